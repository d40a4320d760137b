import type { EventBus } from 'autodocops'
import type { CacheService } from 'autodocops/plugins/cache'

import { ProjectEvents } from './contract.ts'
import type { ProjectDto, ProjectService } from './contract.ts'
import { isVisible, toDto } from './dto.ts'
import { ProjectErrors } from './errors.ts'
import type { ProjectChanges, ProjectFields, ProjectRecord, ProjectStore } from './store.ts'

export interface ProjectPage {
  readonly items: readonly ProjectDto[]
  readonly nextCursor: string | null
}

export const cacheNamespace = 'projects'
export const tagOf = (id: number): string => `project:${String(id)}`

export class ProjectBook implements ProjectService {
  readonly #store: ProjectStore
  readonly #cache: CacheService | undefined
  readonly #events: EventBus

  constructor(needs: { store: ProjectStore; cache: CacheService | undefined; events: EventBus }) {
    this.#store = needs.store
    this.#cache = needs.cache
    this.#events = needs.events
  }

  /** With its owner, for whoever checks afterwards who may see it. */
  readonly record = (id: number): Promise<ProjectRecord | undefined> => this.#store.find(id)

  readonly find = async (
    id: number,
    reader: string | undefined,
  ): Promise<ProjectDto | undefined> => {
    const project = await this.#store.find(id)
    return project !== undefined && isVisible(project, reader) ? toDto(project) : undefined
  }

  readonly list = async (
    reader: string | undefined,
    after: number,
    limit: number,
  ): Promise<ProjectPage> => {
    const found = await this.#store.list(reader, after, limit + 1)
    const items = found.slice(0, limit).map(toDto)
    const last = items.at(-1)
    const isMore = found.length > limit && last !== undefined
    return { items, nextCursor: isMore ? String(last.id) : null }
  }

  readonly create = async (owner: string, fields: ProjectFields): Promise<ProjectDto> => {
    const project = await this.#store.create(owner, fields)
    this.#events.emit(ProjectEvents, 'projects:created', { id: project.id })
    return toDto(project)
  }

  readonly update = async (
    id: number,
    owner: string,
    changes: ProjectChanges,
  ): Promise<ProjectDto> => {
    const project = await this.#store.update(id, owner, changes)
    if (project === undefined) throw await this.#refusal(id)
    await this.#forget(id)
    this.#events.emit(ProjectEvents, 'projects:updated', { id })
    return toDto(project)
  }

  readonly remove = async (id: number, owner: string): Promise<void> => {
    if (!(await this.#store.remove(id, owner))) throw await this.#refusal(id)
    await this.#forget(id)
    this.#events.emit(ProjectEvents, 'projects:deleted', { id })
  }

  /** Who may read it hears that it is not theirs; for all others it is not there. */
  async #refusal(id: number): Promise<Error> {
    const project = await this.#store.find(id)
    return project?.visibility === 'public'
      ? ProjectErrors.project_not_yours({ id })
      : ProjectErrors.project_not_found({ id })
  }

  /** After the commit, so that no reader puts the old one back. */
  async #forget(id: number): Promise<void> {
    await this.#cache?.namespace(cacheNamespace).removeByTag(tagOf(id))
  }
}

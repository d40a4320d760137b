import { ProjectErrors } from '../../../plugins/projects/errors.ts'
import type {
  ProjectChanges,
  ProjectFields,
  ProjectRecord,
  ProjectStore,
} from '../../../plugins/projects/store.ts'

const epoch = '2026-01-01T00:00:00.000Z'
const demonstration: ProjectRecord = {
  id: 1,
  owner: null,
  name: 'AutoDocOps',
  description: 'A public project to try the API with.',
  visibility: 'public',
  createdAt: epoch,
  updatedAt: epoch,
}

/** A double that is held to the same facts as the real store, so that routes are tested without a database. */
export class MemoryProjectStore implements ProjectStore {
  readonly #projects = new Map<number, ProjectRecord>([[1, demonstration]])
  #last = 1
  reads = 0

  readonly find = async (id: number): Promise<ProjectRecord | undefined> => {
    this.reads += 1
    return this.#projects.get(id)
  }

  readonly list = async (reader: string | undefined, after: number, limit: number) =>
    [...this.#projects.values()]
      .filter(({ id }) => id > after)
      .filter((project) => project.visibility === 'public' || project.owner === reader)
      .slice(0, limit)

  readonly create = async (owner: string, fields: ProjectFields): Promise<ProjectRecord> => {
    this.#refuseTwin(0, owner, fields.name)
    const project = { id: ++this.#last, owner, ...fields, createdAt: epoch, updatedAt: epoch }
    this.#projects.set(project.id, project)
    return project
  }

  readonly update = async (id: number, owner: string, changes: ProjectChanges) => {
    const project = this.#projects.get(id)
    if (project?.owner !== owner) return undefined
    if (changes.name !== undefined) this.#refuseTwin(id, owner, changes.name)
    const known = Object.entries(changes).filter(([, value]) => value !== undefined)
    const changed = { ...project, ...Object.fromEntries(known) }
    this.#projects.set(id, changed)
    return changed
  }

  readonly remove = async (id: number, owner: string): Promise<boolean> =>
    this.#projects.get(id)?.owner === owner && this.#projects.delete(id)

  #refuseTwin(id: number, owner: string, name: string): void {
    const twin = [...this.#projects.values()].find(
      (project) => project.id !== id && project.owner === owner && project.name === name,
    )
    if (twin !== undefined) throw ProjectErrors.project_name_taken({ name })
  }
}

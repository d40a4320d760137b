import type { Clock } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'
import { UniqueViolationError } from 'objection'

import { ProjectErrors } from './errors.ts'
import { Project } from './model.ts'
import type { ProjectChanges, ProjectFields, ProjectRecord, ProjectStore } from './store.ts'

export class PostgresProjectStore implements ProjectStore {
  readonly #projects: typeof Project
  readonly #clock: Clock

  constructor({ database, clock }: { database: DatabaseService; clock: Clock }) {
    this.#projects = database.bind(Project)
    this.#clock = clock
  }

  readonly find = async (id: number): Promise<ProjectRecord | undefined> => {
    const project = await this.#projects.query().findById(id)
    return project && recordOf(project)
  }

  readonly list = async (
    reader: string | undefined,
    after: number,
    limit: number,
  ): Promise<readonly ProjectRecord[]> => {
    const found = await this.#projects
      .query()
      .where('id', '>', after)
      .where((visible) => {
        void visible.where({ visibility: 'public' })
        if (reader !== undefined) void visible.orWhere({ owner: reader })
      })
      .orderBy('id')
      .limit(limit)
    return found.map(recordOf)
  }

  readonly create = async (owner: string, fields: ProjectFields): Promise<ProjectRecord> => {
    const now = new Date(this.#clock.now())
    const row = { owner, ...fields, createdAt: now, updatedAt: now }
    const query = this.#projects.query().insert(row).returning('*')
    return recordOf(await query.catch(nameTaken(fields.name)))
  }

  readonly update = async (
    id: number,
    owner: string,
    changes: ProjectChanges,
  ): Promise<ProjectRecord | undefined> => {
    const known = Object.entries(changes).filter(([, value]) => value !== undefined)
    const row = { ...Object.fromEntries(known), updatedAt: new Date(this.#clock.now()) }
    const query = this.#projects.query().patch(row).where({ id, owner }).returning('*').first()
    const project = await query.catch(nameTaken(changes.name))
    return project && recordOf(project)
  }

  readonly remove = async (id: number, owner: string): Promise<boolean> =>
    (await this.#projects.query().delete().where({ id, owner })) > 0
}

const recordOf = (project: Project): ProjectRecord => ({
  id: project.id,
  owner: project.owner,
  name: project.name,
  description: project.description,
  visibility: project.visibility,
  createdAt: project.createdAt.toISOString(),
  updatedAt: project.updatedAt.toISOString(),
})

const nameTaken =
  (name = '') =>
  (error: unknown): never => {
    if (!(error instanceof UniqueViolationError)) throw error
    throw ProjectErrors.project_name_taken({ name }, { cause: error })
  }

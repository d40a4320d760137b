import type { ProjectDto } from './contract.ts'

/** All that we know of a project: what leaves, and whose it is. Plain JSON, since the cache keeps it. */
export interface ProjectRecord extends ProjectDto {
  readonly owner: string | null
}

export interface ProjectFields {
  readonly name: string
  readonly description: string | null
  readonly visibility: 'public' | 'private'
}

/** In each: a member that is absent (or `undefined`) stays as it is. */
export type ProjectChanges = { readonly [K in keyof ProjectFields]?: ProjectFields[K] | undefined }

/** Where projects are kept. Throws 409 `project_name_taken` for a second one of an owner's name. */
export interface ProjectStore {
  readonly find: (id: number) => Promise<ProjectRecord | undefined>
  /** What `reader` may see, by id, past `after`: public ones and their own. */
  readonly list: (
    reader: string | undefined,
    after: number,
    limit: number,
  ) => Promise<readonly ProjectRecord[]>
  readonly create: (owner: string, fields: ProjectFields) => Promise<ProjectRecord>
  /** `undefined`: that owner has no such project. */
  readonly update: (
    id: number,
    owner: string,
    changes: ProjectChanges,
  ) => Promise<ProjectRecord | undefined>
  /** False: that owner has no such project. */
  readonly remove: (id: number, owner: string) => Promise<boolean>
}

import { events, service } from 'autodocops'

/** What leaves the server. */
export interface ProjectDto {
  readonly id: number
  readonly name: string
  readonly description: string | null
  readonly visibility: 'public' | 'private'
  readonly createdAt: string
  readonly updatedAt: string
}

export interface ProjectService {
  /** `undefined`: there is none, or this reader may not see it. Read from the database, not from the cache. */
  readonly find: (id: number, reader: string | undefined) => Promise<ProjectDto | undefined>
}

export const Projects = service('projects').of<ProjectService>()

export const ProjectEvents = events<{
  'projects:created': { readonly id: number }
  'projects:updated': { readonly id: number }
  'projects:deleted': { readonly id: number }
}>('projects')

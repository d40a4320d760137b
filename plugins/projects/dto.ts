import type { ProjectDto } from './contract.ts'
import type { ProjectRecord } from './store.ts'

/** Member by member: what is added to the record leaves only when it is added here. */
export const toDto = (project: ProjectRecord): ProjectDto => ({
  id: project.id,
  name: project.name,
  description: project.description,
  visibility: project.visibility,
  createdAt: project.createdAt,
  updatedAt: project.updatedAt,
})

/** Public ones for anyone, private ones for their owner. */
export const isVisible = (project: ProjectRecord, reader: string | undefined): boolean =>
  project.visibility === 'public' || (reader !== undefined && project.owner === reader)

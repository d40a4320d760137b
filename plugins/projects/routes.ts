import { reply } from 'autodocops'
import type { AnyRequest, RouteOf } from 'autodocops'
import type { CacheService } from 'autodocops/plugins/cache'

import type { ProjectsConfig } from './config.ts'
import { isVisible, toDto } from './dto.ts'
import { ProjectErrors } from './errors.ts'
import {
  NewProject,
  PageQuery,
  Project,
  ProjectChanges,
  ProjectId,
  ProjectPage,
} from './schemas.ts'
import { cacheNamespace, tagOf } from './service.ts'
import type { ProjectBook } from './service.ts'

interface Needs {
  readonly book: ProjectBook
  readonly cache: CacheService | undefined
  readonly config: ProjectsConfig
}

const shared = { tags: ['projects'], limit: 'default', timeoutMs: 8_000 } as const
const maxBytes = 64 * 1_024
const sample = { name: 'Handbook', description: 'How we work', visibility: 'public' } as const

/** From the cache, when there is one: kept as a record, sent as a DTO, and shown to whom it may be shown. */
async function read({ book, cache, config }: Needs, id: number, request: AnyRequest) {
  const reader = request.principal?.subject
  if (cache === undefined) return book.find(id, reader)
  const options = {
    namespace: cacheNamespace,
    key: String(id),
    ttl: config.cacheTtl,
    tags: [tagOf(id)],
    body: toDto,
    visible: (project: Parameters<typeof isVisible>[0]) => isVisible(project, reader),
  }
  return cache.respond(request, options, () => book.record(id))
}

const refusals = [ProjectErrors.project_not_found, ProjectErrors.project_not_yours]
const nobodys = { summary: 'The demonstration project is nobody’s', params: { id: 1 }, status: 403 }

interface Builder {
  readonly route: RouteOf<Needs>
}

export const routes = (builder: Builder) => [...reads(builder), ...writes(builder)]

const reads = ({ route }: Builder) => [
  route({
    ...shared,
    method: 'GET',
    path: '/api/projects',
    summary: 'List the projects that you may see',
    description: 'Public ones and your own, by id.',
    auth: 'optional',
    query: PageQuery,
    responses: { 200: ProjectPage },
    examples: [
      { summary: 'The first page' },
      { summary: 'At most two, from the third on', query: { limit: 2, cursor: 2 } },
    ],
    handler: ({ book }, { principal, query: { cursor = 0, limit } }) =>
      book.list(principal?.subject, cursor, limit),
  }),
  route({
    ...shared,
    method: 'GET',
    path: '/api/projects/:id',
    summary: 'Read a project',
    description: 'Kept in the cache for 20 minutes; `X-Cache` says where it came from.',
    auth: 'optional',
    params: ProjectId,
    responses: { 200: Project, 304: { description: 'It is what `If-None-Match` names' } },
    errors: [ProjectErrors.project_not_found],
    examples: [{ summary: 'The demonstration project', params: { id: 1 } }],
    handler: async (services, request) => {
      const { id } = request.params
      const found = await read(services, id, request)
      if (found === undefined) throw ProjectErrors.project_not_found({ id })
      return found
    },
  }),
]

const writes = ({ route }: Builder) => [
  route({
    ...shared,
    method: 'POST',
    path: '/api/projects',
    summary: 'Create a project',
    auth: 'user',
    body: { schema: NewProject, maxBytes },
    responses: { 201: Project },
    errors: [ProjectErrors.project_name_taken],
    examples: [{ summary: 'A public project', body: sample, status: 201 }],
    handler: async ({ book }, { principal, body }) => {
      const project = await book.create(principal.subject, body)
      return reply(201, project, { location: `/api/projects/${String(project.id)}` })
    },
  }),
  route({
    ...shared,
    method: 'PATCH',
    path: '/api/projects/:id',
    summary: 'Change a project of yours',
    description: 'Members that are absent stay as they are.',
    auth: 'user',
    params: ProjectId,
    body: { schema: ProjectChanges, maxBytes },
    responses: { 200: Project },
    errors: [...refusals, ProjectErrors.project_name_taken],
    examples: [{ ...nobodys, body: { description: 'Mine now' } }],
    handler: ({ book }, { principal, params, body }) =>
      book.update(params.id, principal.subject, body),
  }),
  route({
    ...shared,
    method: 'DELETE',
    path: '/api/projects/:id',
    summary: 'Delete a project of yours',
    auth: 'user',
    params: ProjectId,
    responses: { 204: { description: 'It is gone' } },
    errors: refusals,
    examples: [nobodys],
    handler: ({ book }, { principal, params }) => book.remove(params.id, principal.subject),
  }),
]

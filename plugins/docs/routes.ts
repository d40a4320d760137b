import * as z from 'zod'
import type { RouteOf } from 'autodocops'

import type { DocsService } from './contract.ts'

export const routes = ({ route }: { readonly route: RouteOf<{ readonly docs: DocsService }> }) => [
  route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document: OpenAPI 3.1 of exactly the enabled routes',
    tags: ['docs'],
    auth: 'public',
    limit: 'default',
    timeoutMs: 5_000,
    responses: { 200: z.looseObject({ openapi: z.string() }) },
    examples: [{ summary: 'The document' }],
    handler: ({ docs }) => docs.document(),
  }),
]

import * as z from 'zod'
import type { OperationOf } from 'autodocops'

import type { CacheService } from './contract.ts'

const namespace = z.string().regex(/^[a-z0-9-]{1,64}$/i)
const Place = z.strictObject({ namespace: namespace.default('default'), key: z.string().min(1) })
const Cleared = z.strictObject({ cleared: z.number().int() })

const Status = z.strictObject({
  redis: z.enum(['up', 'down', 'off']),
  bus: z.enum(['up', 'down', 'off']),
  pending: z.number(),
  entries: z.number(),
  bytes: z.number(),
  maxBytes: z.number(),
  counts: z.record(z.string(), z.number()),
})

const Report = z.strictObject({
  key: z.string(),
  memory: z.enum(['fresh', 'stale', 'none']),
  redis: z.enum(['fresh', 'stale', 'none', 'down', 'off']),
  expiresAt: z.string().nullable(),
  staleUntil: z.string().nullable(),
  tags: z.array(z.string()),
  bytes: z.number(),
  reason: z.string().nullable(),
})

export const operationsOf = ({
  route,
}: {
  readonly route: OperationOf<{ readonly cache: CacheService }>
}) => [
  route({
    method: 'GET',
    path: '/admin/cache',
    summary: 'How the cache is, and what it did since it started',
    timeoutMs: 1_000,
    responses: { 200: Status },
    handler: ({ cache }) => cache.status(),
  }),
  route({
    method: 'GET',
    path: '/admin/cache/explain',
    summary: 'Why a read of a key hits or misses',
    timeoutMs: 2_000,
    query: Place,
    responses: { 200: Report },
    handler: ({ cache }, { query }) => cache.namespace(query.namespace).explain(query.key),
  }),
  route({
    method: 'DELETE',
    path: '/admin/cache',
    summary: 'Empty one namespace, on every instance',
    timeoutMs: 30_000,
    query: z.strictObject({ namespace }),
    responses: { 200: Cleared },
    handler: async ({ cache }, { query }) => ({
      cleared: await cache.namespace(query.namespace).clear(),
    }),
  }),
]

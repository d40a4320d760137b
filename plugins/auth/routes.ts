import { reply } from 'autodocops'
import type { RouteOf } from 'autodocops'
import * as z from 'zod'

import { scopesOf } from './api-keys.ts'
import type { ApiKeys } from './api-keys.ts'
import { E } from './errors.ts'
import type { StoredKey } from './store.ts'

const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/) // RFC 6749 §3.3

const NewKey = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^(?!\s*$)\P{Cc}*$/u, { error: 'must not be blank, or hold control characters' })
    .trim()
    .describe('What it is for.'),
  scopes: z.array(scope).max(50).default([]).describe('None means none; at most your own.'),
  expiresAt: z.iso
    .datetime()
    .nullable()
    .default(null)
    .describe('When it ends; null for a key that ends when it is revoked.'),
})

const Key = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
  lastUsedAt: z.iso.datetime().nullable(),
})

const CreatedKey = Key.extend({ key: z.string().describe('Shown now and never again.') })
const KeyPage = z.object({ items: z.array(Key), nextCursor: z.string().nullable() })
const KeyId = z.string().regex(/^key_[0-9a-f-]{36}$/)

const keyDto = (key: StoredKey): z.input<typeof Key> => ({
  id: key.id,
  name: key.name,
  scopes: [...scopesOf(key)],
  createdAt: key.createdAt.toISOString(),
  expiresAt: key.expiresAt?.toISOString() ?? null,
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
})

const shared = { tags: ['auth'], auth: 'user', timeoutMs: 5_000 } as const
const ciKey = { name: 'nightly build', scopes: [], expiresAt: null }

type Routing = RouteOf<{ readonly apiKeys: ApiKeys }>

const making = (route: Routing) => [
  route({
    ...shared,
    method: 'POST',
    path: '/auth/keys',
    summary: 'Make an API key',
    description: 'For machines. The key is in this reply only; we keep its SHA-256.',
    limit: 'auth',
    body: { schema: NewKey, maxBytes: 8_192 },
    responses: { 201: CreatedKey },
    errors: [E.api_key_limit, E.api_key_scope, E.api_key_cannot_mint, E.api_keys_need_database],
    examples: [{ summary: 'A key for the nightly build', body: ciKey, status: 201 }],
    handler: async ({ apiKeys }, { principal, body }) => {
      const expiresAt = body.expiresAt === null ? null : new Date(body.expiresAt)
      const { key, credential } = await apiKeys.create(principal, { ...body, expiresAt })
      return reply(201, { ...keyDto(key), key: credential }, { 'cache-control': 'no-store' })
    },
  }),
]

const living = (route: Routing) => [
  route({
    ...shared,
    method: 'GET',
    path: '/auth/keys',
    summary: 'Your API keys, newest first',
    limit: 'default',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(100).default(20),
      cursor: KeyId.optional(),
    }),
    responses: { 200: KeyPage },
    errors: [E.api_keys_need_database],
    examples: [{ summary: 'The first page' }],
    handler: async ({ apiKeys }, { principal, query: { limit, cursor } }) => {
      const found = await apiKeys.list(principal.subject, limit + 1, cursor)
      const items = found.slice(0, limit)
      const nextCursor = found.length > limit ? (items.at(-1)?.id ?? null) : null
      return { items: items.map(keyDto), nextCursor }
    },
  }),
  route({
    ...shared,
    method: 'DELETE',
    path: '/auth/keys/:id',
    summary: 'Revoke an API key',
    description: 'Every instance refuses it after 5 seconds at the latest.',
    limit: 'default',
    params: z.object({ id: KeyId }),
    responses: { 204: { description: 'It is revoked' } },
    errors: [E.api_key_not_found, E.api_keys_need_database],
    examples: [
      {
        summary: 'A key that is not yours',
        params: { id: 'key_00000000-0000-7000-8000-000000000000' },
        status: 404,
      },
    ],
    handler: ({ apiKeys }, { principal, params }) => apiKeys.revoke(principal.subject, params.id),
  }),
]

export const routes = ({ route }: { route: Routing }) => [...making(route), ...living(route)]

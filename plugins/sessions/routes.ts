import { reply } from 'autodocops'
import type { Principal, RouteOf } from 'autodocops'
import * as z from 'zod'

import type { SessionInfo, SessionService } from './contract.ts'
import { E } from './errors.ts'

const Info = z.object({
  handle: z.string().describe('Names it in DELETE /auth/sessions/:handle.'),
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime().describe('Noted at writes, and past half of its time.'),
  expiresAt: z.iso.datetime(),
  userAgent: z.string().nullable(),
  current: z.boolean().describe('The one that you ask with.'),
})

const WhoAmI = z.object({
  subject: z.string(),
  scopes: z.array(z.string()),
  via: z.string().describe('How it was proven: jwt, api-key, session.'),
  session: Info.nullable().describe('null: no session, a bearer credential.'),
})

const Handle = z.object({ handle: z.string().regex(/^[\w-]{43}$/) })
const strangeHandle = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

const whoAmI = (principal: Principal, session: SessionInfo | undefined) => ({
  ...principal,
  session: session ?? null,
})

const fresh = { 'cache-control': 'no-store' }
const shared = { tags: ['sessions'], timeoutMs: 5_000 } as const
const down = [E.session_store_unavailable, E.csrf]

type Services = { readonly sessions: SessionService }

const one = (route: RouteOf<Services>) => [
  route({
    ...shared,
    method: 'POST',
    path: '/auth/session',
    summary: 'Open a session: a bearer token becomes a cookie',
    description: 'Always under a new id. With a living session it only gets a new id.',
    auth: 'user',
    limit: 'auth',
    body: { schema: z.strictObject({}).optional(), maxBytes: 1_024 },
    responses: { 201: WhoAmI },
    errors: [...down, E.session_needs_person, E.session_ended],
    examples: [{ summary: 'Log in', status: 201 }],
    handler: async ({ sessions }, request) => {
      const { principal } = request
      if (principal.via === 'api-key') throw E.session_needs_person()
      await sessions.with(request, (session) => session.login(principal))
      return reply(201, whoAmI(principal, await sessions.current(request)), fresh)
    },
  }),
  route({
    ...shared,
    method: 'GET',
    path: '/auth/session',
    summary: 'Who am I?',
    auth: 'user',
    limit: 'default',
    responses: { 200: WhoAmI },
    errors: down,
    examples: [{ summary: 'With a bearer token' }],
    handler: async ({ sessions }, request) => {
      const { principal } = request
      const session = principal.via === 'session' ? await sessions.current(request) : undefined
      return reply(200, whoAmI(principal, session), fresh)
    },
  }),
  route({
    ...shared,
    method: 'DELETE',
    path: '/auth/session',
    summary: 'Log out',
    description: 'Also when the session is over already.',
    auth: 'optional',
    limit: 'default',
    responses: { 204: { description: 'The session is over, the cookie gone' } },
    errors: down,
    examples: [{ summary: 'Log out', status: 204 }],
    handler: ({ sessions }, request) => sessions.with(request, (session) => session.logout()),
  }),
]

const devices = (route: RouteOf<Services>) => [
  route({
    ...shared,
    method: 'GET',
    path: '/auth/sessions',
    summary: 'Your devices',
    auth: 'user',
    limit: 'default',
    responses: { 200: z.object({ items: z.array(Info), nextCursor: z.string().nullable() }) },
    errors: down,
    examples: [{ summary: 'All of them: there are few' }],
    handler: async ({ sessions }, request) => {
      const items = await sessions.list(request.principal.subject, request)
      return { items, nextCursor: null }
    },
  }),
  route({
    ...shared,
    method: 'DELETE',
    path: '/auth/sessions/:handle',
    summary: 'Log out one device',
    auth: 'user',
    limit: 'default',
    params: Handle,
    responses: { 204: { description: 'It is logged out' } },
    errors: [...down, E.session_not_found],
    examples: [
      { summary: 'A session that is not yours', params: { handle: strangeHandle }, status: 404 },
    ],
    handler: async ({ sessions }, { principal, params }) => {
      if (!(await sessions.revoke(principal.subject, params.handle))) throw E.session_not_found()
    },
  }),
]

const everywhere = (route: RouteOf<Services>) => [
  route({
    ...shared,
    method: 'DELETE',
    path: '/auth/sessions',
    summary: 'Log out everywhere',
    auth: 'user',
    limit: 'default',
    query: z.object({
      keep: z.literal('current').optional().describe('Leaves the session that you ask with.'),
    }),
    responses: { 200: z.object({ ended: z.int() }) },
    errors: down,
    examples: [{ summary: 'Log out on every device' }],
    handler: async ({ sessions }, request) => {
      const { principal, query } = request
      const current = query.keep === 'current' ? await sessions.current(request) : undefined
      return { ended: await sessions.revokeAll(principal.subject, current?.handle) }
    },
  }),
]

export const routes = ({ route }: { route: RouteOf<Services> }) => [
  ...one(route),
  ...devices(route),
  ...everywhere(route),
]

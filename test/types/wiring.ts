/** Every way to wire a plugin wrongly is a compile error. Checked by `npm run check`; nothing here runs. */
import * as z from 'zod'
import {
  cls,
  counter,
  dashboardRow,
  defineApp,
  definePlugin,
  events,
  gauge,
  optional,
  own,
  service,
} from 'autodocops'

interface Db {
  readonly query: (sql: string) => Promise<readonly string[]>
}
interface Store {
  readonly find: (id: number) => Promise<string | undefined>
}
interface Projects {
  readonly read: (id: number) => Promise<string>
}
const Database = service('db').of<Db>()
const Cache = service('cache').of<{ readonly get: (key: string) => string }>()
const ProjectService = service('projects').of<Projects>()
const Seen = events<{ 'projects:read': { ms: number } }>('projects')

class SqlStore implements Store {
  readonly #db: Db
  constructor({ db }: { db: Db }) {
    this.#db = db
  }
  async find(id: number) {
    return (await this.#db.query(String(id)))[0]
  }
}
class ProjectReader implements Projects {
  readonly #store: Store
  constructor({ store }: { store: Store }) {
    this.#store = store
  }
  async read(id: number) {
    return (await this.#store.find(id)) ?? ''
  }
}
const facts = {
  version: '1.0.0',
  core: '^1',
  summary: 's',
  config: z.strictObject({ ttl: z.number().default(1) }),
  examples: { config: { valid: [{}], invalid: [] } },
} as const
const decided = {
  summary: 's',
  limit: 'none',
  timeoutMs: 1_000,
  responses: { 200: z.string() },
} as const

const got = { method: 'GET', path: '/x', auth: 'public' } as const
const withoutLimit = { ...got, summary: 's', timeoutMs: 1, responses: {} } as const
const withoutTime = { ...got, summary: 's', limit: 'none', responses: {} } as const

export const projects = definePlugin({
  name: 'projects',
  ...facts,
  requires: { db: Database, cache: optional(Cache) },
  provides: { projects: ProjectService },
  internal: { store: own<Store>() },
  services: { store: cls(SqlStore), projects: cls(ProjectReader) },
  metrics: [
    counter({
      name: 'projects_reads_total',
      help: 'h',
      labels: { speed: ['slow', 'fast'] },
      from: Seen,
      on: { 'projects:read': ({ ms }) => ({ speed: ms > 9 ? 'slow' : 'fast' }) },
    }),
    gauge({
      name: 'projects_count',
      help: 'h',
      collect: ({ store }: { store: Store }) => Number(store !== undefined),
    }),
  ],
  routes: ({ route, config }) => [
    route({
      ...decided,
      method: 'GET',
      path: '/p/:id',
      auth: 'public',
      params: z.object({ id: z.coerce.number() }),
      handler: ({ projects: service_, cache, store }, { params, principal, body }) => {
        const nothing: undefined = body
        const nobody: undefined = principal
        void [nothing, nobody, store.find(params.id), cache?.get('x'), config.ttl]
        // @ts-expect-error an optional service may be absent
        cache.get('x')
        // @ts-expect-error params are typed by their schema
        params.id.trim()
        return service_.read(params.id)
      },
    }),
    route({
      ...decided,
      method: 'POST',
      path: '/p',
      auth: 'user',
      body: { schema: z.object({ title: z.string() }), maxBytes: 1_024 },
      handler: ({ projects: service_ }, { body, principal }) =>
        service_.read(body.title.length + principal.subject.length),
    }),
    route({
      ...decided,
      method: 'POST',
      path: '/hook',
      auth: 'public',
      body: { raw: true, maxBytes: 1_024 },
      handler: (_services, { body }) => body.byteLength,
    }),
    route({
      ...decided,
      method: 'GET',
      path: '/maybe',
      auth: 'optional',
      // @ts-expect-error an optional principal may be absent
      handler: (_services, { principal }) => principal.subject,
    }),
    route({
      ...decided,
      method: 'GET',
      path: '/x',
      auth: 'public',
      // @ts-expect-error undeclared service in a handler
      handler: ({ nope }) => nope,
    }),
    // @ts-expect-error auth is undecided
    route({ ...decided, method: 'GET', path: '/x', handler: () => 1 }),
    // @ts-expect-error limit is undecided
    route({ ...withoutLimit, handler: () => 1 }),
    // @ts-expect-error the time is undecided
    route({ ...withoutTime, handler: () => 1 }),
    // @ts-expect-error POST without a body rule
    route({ ...decided, method: 'POST', path: '/x', auth: 'public', handler: () => 1 }),
    // @ts-expect-error GET with a body rule
    route({ ...decided, ...got, body: { raw: true, maxBytes: 1 }, handler: () => 1 }),
    // @ts-expect-error no such auth
    route({ ...decided, method: 'GET', path: '/x', auth: 'admin', handler: () => 1 }),
  ],
})

definePlugin({
  name: 'constructor-argument',
  ...facts,
  provides: { projects: ProjectService },
  // @ts-expect-error the class asks for 'store', which is not declared
  services: { projects: cls(ProjectReader) },
})
// @ts-expect-error a promised service is not built
definePlugin({ name: 'not-built', ...facts, provides: { projects: ProjectService } })
// @ts-expect-error an internal service is not built
definePlugin({ name: 'not-built-inside', ...facts, internal: { store: own<Store>() } })
definePlugin({
  name: 'one-of-two',
  ...facts,
  provides: { projects: ProjectService },
  internal: { store: own<Store>() },
  // @ts-expect-error 'projects' is promised and not built
  services: { store: () => ({ find: async () => undefined }) },
})
definePlugin({
  name: 'wrong-shape',
  ...facts,
  provides: { db: Database },
  // @ts-expect-error wrong shape
  services: { db: () => ({ nope: 1 }) },
})
definePlugin({
  name: 'hooks',
  ...facts,
  requires: { db: Database },
  // @ts-expect-error undeclared in start
  start: ({ cache }) => void cache,
  // @ts-expect-error undeclared in health
  health: { required: true, checks: { ok: ({ nope }) => nope } },
})
definePlugin({
  name: 'fills',
  ...facts,
  // @ts-expect-error wrong shape of a slot
  fills: { limiter: () => ({ take: () => 'yes' }) },
})
definePlugin({
  name: 'metrics',
  ...facts,
  metrics: [
    counter({
      name: 'a',
      help: 'h',
      labels: { speed: ['slow'] },
      from: Seen,
      // @ts-expect-error no such label value
      on: { 'projects:read': () => ({ speed: 'fast' }) },
    }),
    // @ts-expect-error a gauge that reads an undeclared service
    gauge({
      name: 'g',
      help: 'h',
      collect: ({ store }: { store: Store }) => Number(store !== undefined),
    }),
  ],
})
const seen = [
  counter({
    name: 'shop_seen_total',
    help: 'h',
    labels: { speed: ['slow', 'fast'] },
    from: Seen,
    on: {},
  }),
  gauge({ name: 'shop_queue', help: 'h', collect: () => 1 }),
]
const panel = { title: 't', description: 'd', unit: 'short' } as const
dashboardRow(seen, {
  title: 'Shop',
  panels: [
    { ...panel, queries: [{ rate: 'shop_seen_total', by: ['speed'], where: { speed: 'slow' } }] },
    // @ts-expect-error no such metric
    { ...panel, queries: [{ rate: 'shop_sold_total' }] },
    // @ts-expect-error no such label
    { ...panel, queries: [{ rate: 'shop_seen_total', by: ['colour'] }] },
    // @ts-expect-error no such value of the label
    { ...panel, queries: [{ rate: 'shop_seen_total', where: { speed: 'still' } }] },
    // @ts-expect-error a gauge has no rate
    { ...panel, queries: [{ rate: 'shop_queue' }] },
    // @ts-expect-error a counter is nothing without its rate
    { ...panel, queries: [{ sum: 'shop_seen_total' }] },
  ],
})
// @ts-expect-error examples are missing
definePlugin({
  name: 'no-examples',
  version: '1.0.0',
  core: '^1',
  summary: 's',
  config: z.strictObject({}),
})

const database = definePlugin({
  name: 'db',
  ...facts,
  provides: { db: Database },
  services: { db: () => ({ query: async () => [] }) },
})
defineApp([database, projects])
// @ts-expect-error no plugin provides service 'db'
defineApp([projects])

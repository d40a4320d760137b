/** Plugins that fail as their config says, and every manifest of them that cannot be taken over. */
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { definePlugin, reply, service, type Health } from 'autodocops'
import * as z from 'zod'

import { about, get } from './host-fixture.ts'

interface Held {
  readonly server: Server
  readonly timer: NodeJS.Timeout
}
const Store = service('store').of<{ readonly n: number; held?: Held }>()
/** What the stores have open. */
export const opened = new Set<Held>()
export const counted = { starts: 0 }

/** Opens a socket and a timer, and then does what its config says. */
const store = definePlugin({
  name: 'store',
  ...about,
  config: z.strictObject({
    n: z.number().default(0),
    start: z.enum(['good', 'throws', 'rejects-text', 'hangs']).default('good'),
    disk: z.enum(['good', 'full']).default('good'),
  }),
  provides: { store: Store },
  services: { store: ({ config }) => ({ n: config.n }) },
  startTimeoutMs: 2_000,
  health: {
    required: true,
    checks: {
      disk: ({ config }): Health =>
        config.disk === 'full'
          ? { status: 'fail', detail: 'the disk is full' }
          : { status: 'pass' },
    },
  },
  start: async ({ store: own, config }) => {
    counted.starts += 1
    const server = createServer()
    const timer = setInterval(() => undefined, 60_000)
    own.held = { server, timer }
    opened.add(own.held)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    if (config.start === 'throws') throw new Error('the disk is not there')
    // oxlint-disable-next-line typescript/only-throw-error -- what a careless plugin does
    if (config.start === 'rejects-text') throw 'no disk, in words only'
    if (config.start === 'hangs') await new Promise(() => undefined)
  },
  stop: async ({ store: { held } }) => {
    if (held === undefined || !opened.delete(held)) return
    clearInterval(held.timer)
    await new Promise((resolve) => held.server.close(resolve))
  },
})

export const talking = { goesOn: true }

async function* talk(n: number) {
  while (talking.goesOn) {
    yield `${n}\n`
    await sleep(20)
  }
  yield 'the end\n'
}

const reader = definePlugin({
  name: 'reader',
  ...about,
  requires: { store: Store },
  routes: ({ route }) => [
    route({
      ...get,
      path: '/n',
      handler: ({ store: { n } }) => ({ n }),
    }),
    route({
      ...get,
      path: '/talk',
      stream: { idleMs: 10_000, totalMs: 600_000 },
      handler: ({ store: { n } }) => reply(200, talk(n), { 'content-type': 'text/plain' }),
    }),
  ],
})

const rival = definePlugin({
  name: 'rival',
  ...about,
  routes: ({ route }) => [route({ ...get, path: '/n', handler: () => 'mine' })],
})
/** Its routes are only known when its config is. */
const wanderer = definePlugin({
  name: 'wanderer',
  ...about,
  config: z.strictObject({ path: z.string().default('/mine') }),
  routes: ({ route, config }) => [route({ ...get, path: config.path, handler: () => 'mine' })],
})
const Left = service('left').of<object>()
const Right = service('right').of<object>()
const Absent = service('absent').of<object>()
export const plugins = [
  store,
  reader,
  rival,
  wanderer,
  definePlugin({
    name: 'other-store',
    ...about,
    provides: { store: Store },
    services: { store: () => ({ n: 9 }) },
  }),
  definePlugin({ name: 'needy', ...about, requires: { absent: Absent } }),
  definePlugin({ name: 'old', ...about, core: '^0.9' }),
  definePlugin({
    name: 'left',
    ...about,
    requires: { right: Right },
    provides: { left: Left },
    services: { left: () => ({}) },
  }),
  definePlugin({
    name: 'right',
    ...about,
    requires: { left: Left },
    provides: { right: Right },
    services: { right: () => ({}) },
  }),
]

/** Server and log stand in the first two lines, the plugins from the fourth on. */
const manifest = (...lines: readonly string[]) =>
  [
    'server: { port: 0, operations: "127.0.0.1:0", drain: 1s, limits: { keepAlive: 100ms } }',
    'log: { level: warn }',
    'plugins:',
    ...lines.map((line) => `  ${line}`),
  ].join('\n')

export const good = (n: number) => manifest(`store: { config: { n: ${n} } }`, 'reader: true')

export interface Broken {
  readonly why: string
  readonly yaml: string
  /** `line:col code path`, as it is printed, and what else is said. */
  readonly fault?: readonly [at: string, message: RegExp, hint: RegExp | undefined]
  /** Not of the text: the plugin that failed, or that the server itself said so. */
  readonly failure?: readonly [plugin: string | undefined, detail: RegExp, hint: RegExp | undefined]
  /** How many were started, to be stopped again. */
  readonly starts?: number
}

const second = 'store: { config: { n: 2 } }'
export const broken: readonly Broken[] = [
  {
    why: 'its syntax is bad',
    yaml: manifest(second, 'reader: { config: '),
    fault: ['5:21 E_SYNTAX $', /not closed/, undefined],
  },
  {
    why: 'nobody knows a plugin',
    yaml: manifest(second, 'raeder: true'),
    fault: ['5:3 E_PLUGIN_UNKNOWN plugins.raeder', /no plugin is named 'raeder'/, /'reader'/],
  },
  {
    why: 'a config is bad',
    yaml: manifest('store: { config: { n: many } }', 'reader: true'),
    fault: ['4:25 E_CONFIG plugins.store.config.n', /number/, undefined],
  },
  {
    why: 'a variable is not set',
    yaml: manifest('store: { config: { n: "${NO_SUCH_NUMBER}" } }', 'reader: true'),
    fault: [
      '4:25 E_ENV_MISSING plugins.store.config.n',
      /NO_SUCH_NUMBER is not set/,
      /set NO_SUCH_NUMBER/,
    ],
  },
  {
    why: 'nobody provides a service',
    yaml: manifest(second, 'reader: true', 'needy: true'),
    fault: ['6:3 E_SERVICE_MISSING plugins.needy', /'absent'/, undefined],
  },
  {
    why: 'two plugins provide one service',
    yaml: manifest(second, 'other-store: true', 'reader: true'),
    fault: [
      '4:3 E_SERVICE_DUPLICATE plugins.store',
      /by 'other-store' already/,
      /switch one of them off/,
    ],
  },
  {
    why: 'plugins need each other in a ring',
    yaml: manifest(second, 'reader: true', 'left: true', 'right: true'),
    fault: ['6:3 E_CYCLE plugins.left', /left.*right.*left/, undefined],
  },
  {
    why: 'a plugin is for another core',
    yaml: manifest(second, 'reader: true', 'old: true'),
    fault: ['6:3 E_PLUGIN_INCOMPATIBLE plugins.old', /needs a core \^0\.9/, /ignoreCore/],
  },
  {
    why: 'two plugins answer one route',
    yaml: manifest(second, 'reader: true', 'rival: true'),
    fault: ['6:3 E_ROUTE_CLASH plugins.rival', /'GET \/n'/, /plugins\.rival: false/],
  },
  {
    why: 'two plugins answer one route by their config',
    yaml: manifest(second, 'reader: true', 'wanderer: { config: { path: /talk } }'),
    fault: ['6:3 E_ROUTE_CLASH plugins.wanderer', /'GET \/talk'/, /plugins\.wanderer: false/],
  },
  {
    why: 'a start throws',
    yaml: manifest('store: { config: { n: 2, start: throws } }', 'reader: true'),
    failure: ['store', /the disk is not there/, undefined],
    starts: 1,
  },
  {
    why: 'a start rejects with what is no error',
    yaml: manifest('store: { config: { n: 2, start: rejects-text } }', 'reader: true'),
    failure: ['store', /no disk, in words only/, undefined],
    starts: 1,
  },
  {
    why: 'a start hangs',
    yaml: manifest('store: { config: { n: 2, start: hangs } }', 'reader: true'),
    failure: ['store', /'store' did not start within 2000 ms/, /last log line/],
    starts: 1,
  },
  {
    why: 'a health check fails',
    yaml: manifest('store: { config: { n: 2, disk: full } }', 'reader: true'),
    failure: [undefined, /'store', check 'disk': the disk is full/, undefined],
    starts: 1,
  },
  {
    why: 'an address is taken',
    yaml: good(2).replace('port: 0', 'port: "${TAKEN}"'),
    failure: [undefined, /cannot listen on/, /PORT/],
    starts: 1,
  },
]

import * as z from 'zod'

import type { Events } from '../events.ts'
import { Instance } from '../instance.ts'
import type { Logger } from '../log.ts'
import { definePlugin, type Provided, type ServerFacts } from '../plugin.ts'
import { systemRandom } from '../provide.ts'
import type { ServiceToken, Tokens } from '../service.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A clock that stands until it is turned. */
export class TestClock {
  #now = Date.UTC(2026, 0, 1)
  #monotonic = 1_000

  readonly now = (): number => this.#now
  readonly monotonic = (): number => this.#monotonic

  /** Time passes. */
  advance(ms: number): void {
    this.#now += ms
    this.#monotonic += ms
  }

  /** Somebody sets the clock, back when negative; no time passes. */
  jump(ms: number): void {
    this.#now += ms
  }
}

export const serverFacts: ServerFacts = {
  production: false,
  role: 'serve',
  dataDir: './data',
  startBudgetMs: 15_000,
  publicUrl: 'http://localhost:8080',
  origins: [],
  loopback: true,
  operations: undefined,
}

export const provided = (
  self: Instance,
  events: Events,
  clock: TestClock,
  server: ServerFacts,
): Omit<Provided<unknown>, 'config' | 'lifecycle'> => ({
  log: self.log,
  events: events.scoped(self.signal),
  clock,
  random: systemRandom,
  server,
  app: {
    version: '1.0.0',
    routes: () => [],
    plugins: () => [],
    migrations: () => [],
    securitySchemes: () => ({}),
  },
})

/** The doubles, as if another plugin provided them. */
export async function doubles(requires: Tokens, services: object, log: Logger): Promise<Instance> {
  const given = new Map(Object.entries(services) as [string, unknown][])
  const named = Object.entries(requires).filter(([name]) => given.has(name))
  const provides = Object.fromEntries(named) as Readonly<
    Record<string, ServiceToken<unknown, string, false>>
  >
  const build = Object.fromEntries(named.map(([name]) => [name, () => given.get(name)]))
  const plugin = definePlugin({
    name: 'doubles',
    version: '1.0.0',
    core: '*',
    summary: 'What the tested plugin requires',
    config: z.unknown(),
    provides,
    services: build,
    examples: { config: { valid: [], invalid: [] } },
  })
  const options = { config: {}, key: 'doubles', needs: [], log, now: Date.now, provide: () => ({}) }
  const instance = new Instance({ plugin, ...options })
  await instance.start(1_000, async () => undefined)
  return instance
}

export function recorder(lines: LogLine[], bound: Readonly<Record<string, unknown>>): Logger {
  const at =
    (level: LogLine['level']) =>
    (first: string | Readonly<Record<string, unknown>>, message?: string) => {
      const fields = typeof first === 'string' ? bound : { ...bound, ...first }
      lines.push({ level, fields, message: typeof first === 'string' ? first : (message ?? '') })
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recorder(lines, { ...bound, ...fields }),
  }
}

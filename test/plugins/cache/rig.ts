import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { EventBus, EventSet, Logger } from 'autodocops'

import { config as cacheConfig } from '../../../plugins/cache/config.ts'
import { TieredCache } from '../../../plugins/cache/service.ts'
import { config as redisConfig } from '../../../plugins/redis/config.ts'
import { Connections } from '../../../plugins/redis/service.ts'
import { Stopwatch } from '../../harness/stopwatch.ts'
import { RigClock } from './rig-clock.ts'

export const clock = { now: Date.now, monotonic: () => performance.now() }
export const random = { float: Math.random, bytes: randomBytes, uuid: randomUUID }

/** Log lines and events as they came. */
export class Witness {
  readonly lines: { level: string; message: string; fields: object }[] = []
  readonly heard: { name: string; payload: object }[] = []
  readonly #listeners = new Map<string, Set<(payload: never) => void>>()

  readonly events: EventBus = {
    emit: (_set, name, payload) => {
      this.heard.push({ name, payload: payload as object })
      for (const listener of this.#listeners.get(name) ?? []) listener(payload as never)
    },
    on: <M, K extends keyof M & string>(
      _set: EventSet<M>,
      name: K,
      listener: (payload: M[K]) => void,
    ) => {
      const listeners = this.#listeners.get(name) ?? new Set()
      this.#listeners.set(name, listeners.add(listener as (payload: never) => void))
      return () => void listeners.delete(listener as (payload: never) => void)
    },
  }

  count(name: string): number {
    return this.heard.filter((event) => event.name === name).length
  }

  lineCount(message: string): number {
    return this.lines.filter((line) => line.message === message).length
  }

  get log(): Logger {
    const at = (level: string) => (fields: object | string, message?: string) =>
      typeof fields === 'string'
        ? void this.lines.push({ level, message: fields, fields: {} })
        : void this.lines.push({ level, message: message ?? '', fields })
    const log: Logger = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: () => log,
    }
    return log
  }
}

export interface Rig {
  readonly cache: TieredCache
  readonly witness: Witness
  readonly redis: Connections | undefined
  readonly clock: RigClock
  readonly stop: () => void
}

export interface RigOptions {
  /** Config of the redis plugin; without it the cache is memory alone. */
  readonly redis?: object
  readonly cache?: object
  readonly float?: () => number
}

/** One instance: a cache, and its own connections to Redis. Not waited for. */
export function openCache(options: RigOptions = {}): Rig {
  const witness = new Witness()
  const { log, events } = witness
  const own = {
    log,
    events,
    clock: new RigClock(),
    random: { ...random, float: options.float ?? random.float },
  }
  // Many suites share a machine: only the fault tests mean to see a command that is late.
  const place = options.redis && redisConfig.parse({ commandTimeout: '20s', ...options.redis })
  const redis = place && new Connections({ ...own, config: place })
  const cache = new TieredCache({ ...own, redis, config: cacheConfig.parse(options.cache ?? {}) })
  redis?.connection('default')
  cache.start()
  const stop = () => {
    cache.stop()
    redis?.close()
  }
  return { cache, witness, redis, clock: own.clock, stop }
}

/** The same, waited for until Redis and the bus are there. */
export async function openShared(options: RigOptions): Promise<Rig> {
  const rig = openCache(options)
  await until(() => rig.cache.status().redis === 'up' && rig.cache.status().bus === 'up')
  return rig
}

/** Resolves to the time that it took, without that in which this process stood still. */
export async function until(isSo: () => boolean | Promise<boolean>, ms = 20_000): Promise<number> {
  const watch = new Stopwatch()
  try {
    while (!(await isSo())) {
      if (watch.ms > ms) throw new Error(`not so within ${ms} ms: ${String(isSo)}`)
      await sleep(5)
    }
    return watch.ms
  } finally {
    watch.stop()
  }
}

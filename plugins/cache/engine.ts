import type { Clock, Provided } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'

import { Bus } from './bus.ts'
import { Changes } from './changes.ts'
import type { CacheConfig } from './config.ts'
import type { CacheStatus } from './contract.ts'
import { CacheEvents } from './contract.ts'
import { Counter } from './counts.ts'
import { Explainer } from './explain.ts'
import { Failures } from './failures.ts'
import { Invalidator } from './invalidator.ts'
import { Keys } from './keys.ts'
import { Leases } from './lease.ts'
import { Loader } from './loader.ts'
import { Maker } from './maker.ts'
import { Pending } from './pending.ts'
import { MemoryStore } from './store-memory.ts'
import { Servers } from './servers.ts'
import { RedisStore } from './store-redis.ts'
import type { RemoteStore } from './store.ts'
import { Tags } from './tags.ts'
import { Tiers } from './tiers.ts'
import { Writer } from './writer.ts'

export type Wanted = Pick<
  Provided<CacheConfig>,
  'config' | 'log' | 'events' | 'clock' | 'random'
> & { readonly redis: RedisService | undefined }

/** The parts of a cache, put together. Without Redis there is no remote store and no bus; all else is the same. */
export class Engine {
  readonly clock: Clock
  readonly keys: Keys
  readonly memory: MemoryStore
  readonly tiers: Tiers
  readonly loader: Loader
  readonly writer: Writer
  readonly invalidator: Invalidator
  readonly explainer: Explainer
  readonly #redis: RedisService | undefined
  readonly #remote: RemoteStore | undefined
  readonly #bus: Bus | undefined
  readonly #pending: Pending
  readonly #servers: Servers | undefined
  readonly #counter: Counter
  readonly #trustMs: number

  constructor(to: Wanted) {
    const { config, log, events, clock, random, redis } = to
    const instance = random.bytes(9).toString('base64url')
    let count = 0
    const unique = () => `${instance}${(count++).toString(36)}`
    const base = { events, clock, random, unique, trusts: this.#trusts, now: clock.monotonic }
    const maxValue = config.maxValue

    this.clock = clock
    this.#redis = redis
    this.#trustMs = config.trust
    this.keys = new Keys(redis?.keyPrefix ?? '')
    const keys = this.keys
    const client = redis?.connection('cache')
    const onUp = () => void this.#pending.replay()
    const watchers = { log, events, clock, onUp, anyKey: keys.channel, probeMaxMs: config.probeMax }
    const servers = client && new Servers({ ...watchers, client })
    const remote =
      client && servers && new RedisStore({ client, keys, servers, events, clock, instance })
    this.#servers = servers
    this.#remote = remote
    const beat = () => void remote?.publish({})
    this.#bus = redis && new Bus({ redis, channel: keys.channel, clock, beat, instance })

    const changes = new Changes()
    const memory = new MemoryStore(config.memory, events)
    this.memory = memory
    const tags = new Tags({ ...base, remote, changes })
    const reaches = (key: string) => remote?.reaches(key) ?? true
    const clearOf = (namespace: string) => async () => {
      const answer = await remote?.clear(namespace)
      if (answer && namespace === keys.tags) tags.reset()
      return answer
    }
    this.#pending = new Pending({ reaches, clearOf })
    const pending = this.#pending
    const parts = { ...base, memory, remote, tags, changes, pending, keys }
    const tiers = new Tiers(parts)
    const onWait = () => events.emit(CacheEvents, 'cache:call-coalesced', { store: 'redis' })
    const leases = new Leases({ ...parts, tiers, waitMs: config.leaseWait, onWait })
    const invalidator = new Invalidator({ ...parts, leases })
    const failures = new Failures(log)
    const hears = () => this.#bus?.isUp ?? true
    const maker = new Maker({ ...parts, tiers, failures, hears, maxValue })
    this.tiers = tiers
    this.invalidator = invalidator
    this.loader = new Loader({ ...parts, tiers, leases, maker })
    this.writer = new Writer({ ...parts, tiers, invalidator, failures, maxValue })
    this.explainer = new Explainer(parts)
    this.#counter = new Counter(events)
  }

  start(): void {
    this.#bus?.start({
      subscribed: () => this.invalidator.resync(),
      message: (message) => this.invalidator.hear(message),
    })
  }

  stop(): void {
    this.#bus?.stop()
    this.#pending.stop()
    this.#servers?.stop()
  }

  status(): CacheStatus {
    const isUp = this.#remote?.isUp === true && this.#redis?.isUp('cache') === true
    return {
      redis: this.#redis ? (isUp ? 'up' : 'down') : 'off',
      bus: this.#bus ? (this.#bus.isUp ? 'up' : 'down') : 'off',
      pending: this.#pending.size,
      entries: this.memory.entries,
      bytes: this.memory.bytes,
      maxBytes: this.memory.maxBytes,
      counts: this.#counter.read(),
    }
  }

  /** What memory holds is true while the bus is heard; after that for a few seconds. */
  readonly #trusts = (at: number): boolean => {
    const bus = this.#bus
    if (bus === undefined || bus.isUp) return true
    return this.clock.monotonic() - Math.max(at, bus.downSince) <= this.#trustMs
  }
}

import { setTimeout as sleep } from 'node:timers/promises'

import type { Health, Provided } from 'autodocops'
import { Redis } from 'ioredis'
import type { Cluster } from 'ioredis'

import type { RedisConfig } from './config.ts'
import type { RedisCommand, RedisService } from './contract.ts'
import { redisCommands, RedisEvents } from './contract.ts'
import { warnOfEviction } from './eviction.ts'
import { anyNode, ownNode } from './node-connector.ts'
import type { Blame } from './node-connector.ts'
import type { Options, Place } from './options.ts'
import { backOff, clusterOptions, dial, failFast, patient, placeOf, silenceOf } from './options.ts'
import { Outage } from './outage.ts'
import type { Watch } from './timed.ts'
import { TimedCluster, TimedRedis } from './timed.ts'

type Wanted = Pick<Provided<RedisConfig>, 'config' | 'log' | 'events' | 'clock' | 'random'>
interface Opened {
  readonly client: Redis | Cluster
  readonly outage: Outage
}

const known = new Set<string>(redisCommands)
const label = (command: string): RedisCommand =>
  known.has(command) ? (command as RedisCommand) : 'other'

/** The one place that opens connections to Redis. */
export class Connections implements RedisService {
  readonly kind: RedisService['kind']
  readonly keyPrefix: string
  readonly #to: Wanted
  readonly #opened = new Map<string, Opened>()
  readonly #others = new Set<Redis | Cluster>()
  readonly #retry: (times: number) => number

  constructor(to: Wanted) {
    this.#to = to
    this.kind = placeOf(to.config, 'default').kind
    this.keyPrefix = to.config.keyPrefix
    this.#retry = backOff(to.config.reconnectMax, to.random.float)
  }

  connection = (name: string): Redis | Cluster => this.#open(name).client

  isUp = (name: string): boolean => this.#open(name).outage.isUp

  /** Why it is not up. */
  reason = (name: string): string => this.#open(name).outage.reason

  names = (): readonly string[] => [...this.#opened.keys()]

  dedicated = (name: string): Redis | Cluster => {
    const place = placeOf(this.#to.config, name)
    const options = { ...patient(this.#to.config), retryStrategy: this.#retry }
    return this.#keep(
      place.kind === 'cluster'
        ? this.#cluster(place, options, { isPatient: true })
        : this.#redis(place, options),
    )
  }

  subscriber = (name: string): Redis => {
    const place = placeOf(this.#to.config, name)
    const options = { ...patient(this.#to.config), retryStrategy: this.#retry }
    if (place.kind !== 'cluster') return this.#keep(this.#redis(place, options))
    const Connector = anyNode(place.nodes, place.options.tls !== undefined)
    return this.#keep(new Redis({ ...options, ...place.options, Connector }))
  }

  /** One that was opened a moment ago has a moment to get there. */
  health = async (): Promise<Health> => {
    const decided = Promise.all([...this.#opened.values()].map(({ outage }) => outage.decided))
    await Promise.race([decided, sleep(400, undefined, { ref: false })])
    const down = [...this.#opened].filter(([, { outage }]) => !outage.isUp)
    if (down.length === 0) return { status: 'pass' }
    const detail = down.map(([name, { outage }]) => `${name}: ${outage.reason}`).join('; ')
    return { status: 'fail', detail }
  }

  close = (): void => {
    for (const { client, outage } of this.#opened.values()) {
      outage.end()
      client.disconnect()
    }
    for (const client of this.#others) client.disconnect()
  }

  #open(name: string): Opened {
    const opened = this.#opened.get(name)
    if (opened) return opened
    const blame: Blame = (error, node) => outage.blame(error, node)
    const client = this.#client(name, blame)
    const outage = new Outage(name, client, this.#to)
    const fresh = { client, outage }
    this.#opened.set(name, fresh)
    // A cache may lose any key; everything else may not.
    if (name !== 'cache' && client instanceof Redis)
      client.once('ready', () => void warnOfEviction(client, name, this.#to.log))
    return fresh
  }

  #client(name: string, blame: Blame): Redis | Cluster {
    const { config, events } = this.#to
    const place = placeOf(config, name)
    const options = { ...failFast(config), retryStrategy: this.#retry }
    const watch: Watch = {
      timeoutMs: config.commandTimeout,
      silenceMs: silenceOf(config),
      finished: (command, durationMs) =>
        events.emit(RedisEvents, 'redis:command-finished', {
          connection: name,
          command: label(command),
          durationMs,
        }),
    }
    if (place.kind !== 'cluster') return this.#redis(place, options).watched(watch)
    // For what timed.ts does not see: commands to one node of a Cluster.
    const commandTimeout = 4 * config.commandTimeout
    return this.#cluster(place, { ...options, commandTimeout }, { blame }).watched(watch)
  }

  #redis(place: Exclude<Place, { kind: 'cluster' }>, options: Options): TimedRedis {
    return new TimedRedis({
      ...options,
      ...(place.kind === 'single' ? dial(place.address) : place.options),
    })
  }

  #cluster(
    place: Extract<Place, { kind: 'cluster' }>,
    options: Options,
    { isPatient = false, blame = () => {} }: { isPatient?: boolean; blame?: Blame },
  ): TimedCluster {
    const {
      retryStrategy: _,
      enableOfflineQueue: __,
      ...redisOptions
    } = { ...options, ...place.options }
    const Connector = ownNode(redisOptions.tls !== undefined, blame)
    const nodes = place.nodes.map(({ host, port }) => ({ host, port }))
    return new TimedCluster(nodes, {
      ...clusterOptions({ ...redisOptions, Connector }, isPatient),
      clusterRetryStrategy: this.#retry,
    })
  }

  /** Its owner disconnects it; what is left over goes with the plugin. */
  #keep<C extends Redis | Cluster>(client: C): C {
    this.#others.add(client)
    client.on('error', (err: Error) => this.#to.log.debug({ err }, 'redis connection of one owner'))
    client.once('end', () => this.#others.delete(client))
    return client
  }
}

import { isIP } from 'node:net'

import type { RedisOptions } from 'ioredis'

import type { Address } from './address.ts'
import { parseAddress } from './address.ts'
import type { RedisConfig } from './config.ts'

/** ioredis types replies by `replyMapping`, which nobody here changes. */
export type Options = Omit<RedisOptions, 'replyMapping'>

/** Where a named connection goes. */
export type Place =
  | { readonly kind: 'single'; readonly address: Address }
  | { readonly kind: 'sentinel'; readonly options: Options }
  | { readonly kind: 'cluster'; readonly nodes: readonly Address[]; readonly options: Options }

export function placeOf(config: RedisConfig, name: string): Place {
  const own = config.connections[name]
  if (own) return { kind: 'single', address: parseAddress(own.url.reveal()) }
  const login = { username: config.username, password: config.password?.reveal() }
  const options = { ...login, ...(config.tls ? { tls: {} } : {}) }
  if (config.nodes) return { kind: 'cluster', nodes: config.nodes.map(parseAddress), options }
  if (config.sentinels)
    return { kind: 'sentinel', options: { ...options, ...watched(config, config.sentinels) } }
  return { kind: 'single', address: parseAddress(config.url?.reveal() ?? 'localhost:6379') }
}

function watched(config: RedisConfig, sentinels: NonNullable<RedisConfig['sentinels']>): Options {
  const nodes = sentinels.nodes.map(parseAddress)
  return {
    // Without it ioredis takes no notice of `tls` here, and sends the password in the clear.
    enableTLSForSentinelMode: config.tls,
    ...((sentinels.tls ?? config.tls) ? { sentinelTLS: {} } : {}),
    // One that hangs is passed over for the next.
    sentinelCommandTimeout: config.connectTimeout,
    name: sentinels.name,
    sentinels: nodes.map(({ host, port }) => ({ host, port })),
    sentinelPassword: sentinels.password?.reveal(),
    sentinelRetryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 6), 1_000),
  }
}

/** SNI carries names only (RFC 6066); an IP address is checked against the certificate without it. */
export const serverName = (host: string) => (isIP(host) === 0 ? { servername: host } : {})

export const dial = (address: Address): Options => {
  const { tls, ...rest } = address
  return { ...rest, ...(tls ? { tls: serverName(address.host) } : {}) }
}

/** Doubles from 50 ms; the random part keeps many instances from knocking at once. */
export const backOff =
  (max: number, float: () => number) =>
  (times: number): number =>
    Math.min(50 * 2 ** Math.min(times - 1, 10), max) * (0.8 + 0.2 * float())

/** How long a connection may be silent that was asked something. */
export const silenceOf = ({ commandTimeout }: RedisConfig): number =>
  Math.max(5_000, 4 * commandTimeout)

/** Looks again at a Redis that loads its data; ioredis' own pause is ten seconds. */
const common = ({ connectTimeout, reconnectMax }: RedisConfig): Options => ({
  connectTimeout,
  maxLoadingRetryTime: reconnectMax,
  keepAlive: 10_000,
})

/**
 * A command fails within its time or at once, never later: no offline queue, one retry. `socketTimeout` finds
 * a connection that is open and silent. READONLY comes from a master that was demoted: dial again.
 */
export const failFast = (config: RedisConfig): Options => ({
  ...common(config),
  socketTimeout: silenceOf(config),
  maxRetriesPerRequest: 1,
  enableOfflineQueue: false,
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
})

/** For SUBSCRIBE and blocking reads: waits as long as it takes. */
export const patient = (config: RedisConfig): Options => ({
  ...common(config),
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
})

/** Few and quick redirections: a moved slot is followed, a dead node is not waited for. */
export const clusterOptions = (redisOptions: Options, queue: boolean) => ({
  redisOptions,
  enableOfflineQueue: queue,
  maxRedirections: 3,
  retryDelayOnFailover: 50,
  retryDelayOnClusterDown: 50,
  retryDelayOnTryAgain: 50,
  slotsRefreshTimeout: 1_000,
})

import { events, service } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

export const redisCommands = [
  'get',
  'set',
  'del',
  'unlink',
  'eval',
  'evalsha',
  'publish',
  'scan',
  'other',
] as const
export type RedisCommand = (typeof redisCommands)[number]

export interface RedisService {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /**
   * The named connection (`cache`, `sessions`, …), opened on first use and shared by all who name it.
   * Commands fail fast (250 ms, no offline queue) and never hang; it reconnects for ever.
   */
  readonly connection: (name: string) => Redis | Cluster
  /** A connection of its own for blocking reads or transactions; no deadline; the caller disconnects it. */
  readonly dedicated: (name: string) => Redis | Cluster
  /**
   * A connection of its own for SUBSCRIBE; the caller disconnects it. In a Cluster it goes to one node, which
   * hears what is published on any, and to the next when that one dies. `close` and `ready` tell of every gap.
   */
  readonly subscriber: (name: string) => Redis
  readonly isUp: (name: string) => boolean
  /** The names in use, in the order of their opening. */
  readonly names: () => readonly string[]
  /** Put before every key, so that several deployments share one server: `autodocops:`. */
  readonly keyPrefix: string
}

export const RedisConnections = service('redis').of<RedisService>()

export const RedisEvents = events<{
  'redis:went-down': { readonly connection: string; readonly reason: string }
  'redis:came-back': { readonly connection: string; readonly downMs: number }
  'redis:reconnected': { readonly connection: string }
  'redis:command-finished': {
    readonly connection: string
    readonly command: RedisCommand
    readonly durationMs: number
  }
}>('redis')

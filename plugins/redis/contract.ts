import { events, service } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

export interface RedisService {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /**
   * The named connection (`cache`, `sessions`, …), opened on first use and shared by all who name it.
   * Commands fail fast (250 ms, no offline queue) and never hang; it reconnects for ever.
   */
  readonly connection: (name: string) => Redis | Cluster
  /** A connection of its own for SUBSCRIBE or blocking reads; the caller disconnects it. */
  readonly dedicated: (name: string) => Redis | Cluster
  readonly isUp: (name: string) => boolean
  /** Put before every key, so that several deployments share one server: `autodocops:`. */
  readonly keyPrefix: string
}

export const RedisConnections = service('redis').of<RedisService>()

export const RedisEvents = events<{
  'redis:went-down': { readonly connection: string; readonly reason: string }
  'redis:came-back': { readonly connection: string; readonly downMs: number }
  'redis:reconnected': { readonly connection: string }
}>('redis')

import type { EventBus } from './events.ts'
import type { HttpSettings } from './generation.ts'
import type { Layers } from './http/dispatch.ts'
import type { Logger } from './log.ts'
import { isLoopback, type ServerConfig } from './manifest/server-config.ts'
import type { Clock, Random } from './plugin.ts'

/** What stays the same over every generation. */
export interface HttpSurroundings {
  readonly log: Logger
  readonly clock: Clock
  readonly random: Random
  readonly production: boolean
  readonly events: EventBus
  /** Aborts when the streams must end. */
  readonly drain: AbortSignal
  readonly isDraining: () => boolean
  readonly layers: Layers
  /** `http://…` of the public listener. */
  readonly address: () => string
}

/** What the applications of both listeners are told, by the server block of a manifest. */
export function httpSettings(
  server: ServerConfig,
  starting: boolean,
  { address, ...around }: HttpSurroundings,
): { readonly public: HttpSettings; readonly operations: HttpSettings } {
  const shared = {
    ...around,
    limits: server.limits,
    trustedProxies: server.trustedProxies,
    origins: server.origins,
    publicUrl: () => server.publicUrl ?? address(),
    operationsToken: server.operationsToken,
    starting,
  }
  return {
    public: { ...shared, isLoopback: isLoopback(server.host) },
    operations: { ...shared, isLoopback: isLoopback(server.operations.host) },
  }
}

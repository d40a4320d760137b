import type { Clock, EventBus, Health, Logger, ServerFacts } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'

import type { SessionConfig } from './config.ts'
import { MemorySessionStore } from './store-memory.ts'
import { ObservedSessionStore } from './store-observed.ts'
import { RedisSessionStore } from './store-redis.ts'

interface Services {
  readonly config: SessionConfig
  readonly redis: RedisService | undefined
  readonly clock: Clock
  readonly events: EventBus
  readonly server: ServerFacts
  readonly log: Logger
}

/** Long enough for a Redis that is there; one that is not must not hold up the start. */
const waitMs = 1_000

export function chooseStore({ config, redis, clock, events }: Services): ObservedSessionStore {
  const store =
    redis === undefined
      ? new MemorySessionStore({ clock })
      : new RedisSessionStore({ redis, clock, absoluteMs: config.absolute })
  return new ObservedSessionStore({ store, clock, events })
}

/** Commands are never queued, so the connection should stand before the first login. */
export async function openStore({ config, redis, server, log }: Services): Promise<void> {
  if (config.cookie.secure && isPlain(server))
    log.warn(
      { publicUrl: server.publicUrl },
      'browsers keep the session cookie on https only: set PUBLIC_URL to the https address',
    )
  if (redis === undefined) return
  const client = redis.connection('sessions')
  if (client.status === 'ready') return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, waitMs)
    client.once('ready', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

export function checkStore({ redis }: Services): Health {
  const isUp = redis?.isUp('sessions') ?? true
  return isUp ? { status: 'pass' } : { status: 'fail', detail: 'Redis does not answer' }
}

const isPlain = ({ publicUrl, loopback }: ServerFacts) =>
  publicUrl.startsWith('http://') && !loopback

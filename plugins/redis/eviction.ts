import type { Logger } from 'autodocops'
import type { Redis } from 'ioredis'

/** One line of INFO. */
export const field = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]

/**
 * What INFO memory says of keys that the server may throw away, or `undefined`. A cache may lose any key;
 * a session that is lost is a user logged out.
 */
export function evictionRisk(info: string): string | undefined {
  const policy = field(info, 'maxmemory_policy')
  const isBounded = Number(field(info, 'maxmemory') ?? 0) > 0
  return isBounded && policy !== undefined && policy !== 'noeviction' ? policy : undefined
}

export async function warnOfEviction(
  client: Redis,
  connection: string,
  log: Logger,
): Promise<void> {
  try {
    const policy = evictionRisk(await client.info('memory'))
    if (policy === undefined) return
    const hint = `give it a server of its own (redis.connections.${connection}.url) with maxmemory-policy noeviction`
    log.warn(
      { connection, policy, hint },
      'redis may evict keys that must not be lost, such as sessions',
    )
  } catch (err) {
    log.debug({ connection, err }, 'redis does not tell its maxmemory-policy')
  }
}

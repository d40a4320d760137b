import { once } from 'node:events'

import type { Examination, Finding } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

import type { RedisConfig } from './config.ts'
import { evictionRisk, field } from './eviction.ts'
import type { Connections } from './service.ts'

interface Needs {
  readonly config: RedisConfig
  readonly connections: Connections
}

const readyMs = 3_000
/** The oldest that its makers still mend. */
const oldestMajor = 6

/** Every connection that the config names: is it there, of which version, and may it forget? */
export async function examine(
  { config, connections }: Needs,
  { signal }: Examination,
): Promise<readonly Finding[]> {
  const names = [...new Set(['default', ...Object.keys(config.connections)])]
  const examined = names.map((name) => examineOne(name, connections.connection(name), signal))
  return (await Promise.all(examined)).flat()
}

async function examineOne(
  name: string,
  client: Redis | Cluster,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const check = name === 'default' ? 'redis' : `redis for ${name}`
  try {
    const until = AbortSignal.any([signal, AbortSignal.timeout(readyMs)])
    if (client.status !== 'ready') await once(client, 'ready', { signal: until })
    const info = await client.info()
    const version = versionOf(check, field(info, 'redis_version') ?? 'of no known version')
    // A cache may lose any key; everything else may not.
    return name === 'cache' ? [version] : [version, evictionOf(check, name, info)]
  } catch (error) {
    const saw = `no connection: ${reasonOf(error)}`
    return [{ check, verdict: 'failed', saw, fix: adviceOn(reasonOf(error), name) }]
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'AbortError') return `not ready within ${readyMs / 1_000} s`
  return error.message || ((error as NodeJS.ErrnoException).code ?? error.name)
}

function adviceOn(reason: string, name: string): string {
  const where = name === 'default' ? 'REDIS_URL' : `plugins.redis.config.connections.${name}.url`
  if (/NOAUTH|WRONGPASS|invalid.*password/i.test(reason))
    return `mend user and password in ${where}`
  if (/ENOTFOUND|EAI_AGAIN/.test(reason)) return `mend the host in ${where}`
  return `start that Redis, or mend host and port in ${where}`
}

function versionOf(check: string, version: string): Finding {
  const saw = `Redis ${version} answers`
  if (Number.parseInt(version, 10) >= oldestMajor) return { check, verdict: 'ok', saw }
  return { check, verdict: 'warning', saw, fix: `upgrade to Redis ${oldestMajor} or later` }
}

function evictionOf(server: string, name: string, info: string): Finding {
  const check = `memory of ${server}`
  const policy = evictionRisk(info)
  if (policy === undefined) return { check, verdict: 'ok', saw: 'no key is evicted' }
  const saw = `maxmemory-policy is ${policy}: sessions may be evicted, which logs users out`
  const own = name === 'default' ? 'sessions' : name
  const fix = `redis-cli config set maxmemory-policy noeviction, or give sessions a server of their own: plugins.redis.config.connections.${own}.url`
  return { check, verdict: 'warning', saw, fix }
}

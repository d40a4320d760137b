import { once } from 'node:events'

import type { Examination, Finding } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

import type { RedisConfig } from './config.ts'
import { evictionRisk, field } from './eviction.ts'
import { placeOf } from './options.ts'
import type { Connections } from './service.ts'

interface Needs {
  readonly config: RedisConfig
  readonly connections: Connections
}

/** The oldest that its makers still mend. */
const oldestMajor = 6

/** Every connection that the config names: is it there, of which version, and may it forget? */
export async function examine(needs: Needs, { signal }: Examination): Promise<readonly Finding[]> {
  const names = [...new Set(['default', ...Object.keys(needs.config.connections)])]
  return (await Promise.all(names.map((name) => examineOne(name, needs, signal)))).flat()
}

async function examineOne(
  name: string,
  { config, connections }: Needs,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const check = name === 'default' ? 'redis' : `redis for ${name}`
  const client = connections.connection(name)
  try {
    if (client.status !== 'ready') await once(client, 'ready', { signal })
    const info = await client.info()
    if (field(info, 'cluster_enabled') === '1' && placeOf(config, name).kind !== 'cluster')
      return [{ check, verdict: 'failed', saw: clusterSaw, fix: clusterFix }]
    const version = versionOf(check, field(info, 'redis_version') ?? 'of no known version')
    // A cache may lose any key; everything else may not.
    return name === 'cache' ? [version] : [version, evictionOf(check, name, info)]
  } catch (error) {
    const reason = signal.aborted
      ? silence(client)
      : reasonOf(error, client, connections.reason(name))
    const saw = `${reason.startsWith('NOPERM') ? 'it refuses' : 'no connection'}: ${reason}`
    return [{ check, verdict: 'failed', saw, fix: adviceOn(reason, whereOf(name, config)) }]
  }
}

const clusterSaw = 'it is a node of a Cluster, whose other keys it does not give'
const clusterFix = 'name some of its nodes, as host:port, in plugins.redis.config.nodes'
const unready = 'it is there, and is not ready to answer'
const silence = ({ status }: Redis | Cluster): string =>
  status === 'connect' ? unready : 'nobody was there in time'

/** Of what keeps it from being ready the connection knows more than ioredis' own error says. */
const reasonOf = (error: unknown, { status }: Redis | Cluster, outage: string): string =>
  status === 'ready' && error instanceof Error ? error.message : outage

function whereOf(name: string, config: RedisConfig): string {
  if (name in config.connections) return `plugins.redis.config.connections.${name}.url`
  return placeOf(config, name).kind === 'single' ? 'REDIS_URL' : 'plugins.redis.config'
}

function adviceOn(reason: string, where: string): string {
  if (/NOAUTH|WRONGPASS|invalid.*password/i.test(reason))
    return `mend user and password in ${where}`
  if (reason.startsWith('NOPERM'))
    return `give the user of ${where} the rights that plugins/redis/README.md names`
  if (/DB index/.test(reason)) return `mend the number of the database in ${where}`
  if (/ENOTFOUND|EAI_AGAIN/.test(reason)) return `mend the host in ${where}`
  if (/cluster support disabled/.test(reason))
    return `give that Redis as url: ${where} takes nodes of a Cluster only`
  if (reason === unready) return 'wait until it has loaded its data, or look into its log'
  if (/Command timed out/.test(reason))
    return 'look at what keeps that Redis, or raise plugins.redis.config.commandTimeout'
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

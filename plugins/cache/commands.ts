import type { CommandIo, ServerFacts } from 'autodocops'

import type { CacheService } from './contract.ts'
import { E } from './errors.ts'

interface Wanted {
  readonly cache: CacheService
  readonly server: ServerFacts
}
type Args = Readonly<Record<string, string | boolean | readonly string[] | undefined>>
interface Target {
  readonly namespace: string
  readonly key: string
}

/**
 * The memory of a cache is in its server, so the running server is asked. Without one there is only Redis,
 * which this process can look into itself.
 */
const actions: Readonly<Record<string, (services: Wanted, target: Target) => Promise<object>>> = {
  stats: ({ server, cache }) => {
    if (server.operations) return ask(server.operations, 'GET', '')
    throw E.cache_server_absent({ redis: cache.status().redis })
  },
  explain: async ({ server, cache }, { namespace, key }) => {
    const query = `?${new URLSearchParams({ namespace, key }).toString()}`
    if (server.operations) return ask(server.operations, 'GET', `/explain${query}`)
    await redisOf(cache)
    return cache.namespace(namespace).explain(key)
  },
  clear: async ({ server, cache }, { namespace }) => {
    const query = `?${new URLSearchParams({ namespace }).toString()}`
    if (server.operations) return ask(server.operations, 'DELETE', query)
    await redisOf(cache)
    return { cleared: await cache.namespace(namespace).clear() }
  },
}

async function run(services: Wanted, args: Args, io: CommandIo): Promise<number> {
  const [name, key] = [String(args['action']), args['key']]
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (action === undefined) return usage(io, `there is no action '${name}'`)
  if (name === 'explain' && !key) return usage(io, '<key> is missing')
  if (name !== 'explain' && key !== undefined)
    return usage(io, `'${String(key)}' is one too many; whose entries, is said by --namespace`)
  const target = { key: String(key), namespace: String(args['namespace']) }
  const answer = await action(services, target)
  if (io.json) io.out(JSON.stringify(answer))
  else for (const [field, value] of flat(answer)) io.out(`${field.padEnd(22)}${value}`)
  return 0
}

function usage(io: CommandIo, wrong: string): number {
  io.err(wrong)
  io.err('usage: autodocops cache stats | explain <key> | clear  [--namespace default]')
  return 2
}

async function ask(
  { url, headers }: NonNullable<ServerFacts['operations']>,
  method: string,
  path: string,
): Promise<object> {
  const signal = AbortSignal.timeout(10_000)
  const response = await fetch(`${url}/admin/cache${path}`, { method, headers, signal })
  const body: unknown = await response.json()
  if (!response.ok) throw E.cache_server_refused({ status: response.status })
  return body as object
}

/** Its connection was opened a moment ago: give it a second. */
async function redisOf(cache: CacheService): Promise<void> {
  for (let tries = 0; tries < 20 && cache.status().redis === 'down'; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  const { redis } = cache.status()
  if (redis !== 'up') throw E.cache_server_absent({ redis })
}

const flat = (answer: object): [string, string][] =>
  Object.entries(answer).flatMap(([name, value]: [string, unknown]): [string, string][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value)
      : [[name, Array.isArray(value) ? value.join(', ') : String(value)]],
  )

export const commands = {
  cache: {
    summary: 'Look into the cache: stats, explain a key, clear',
    positionals: ['action', '[key]'],
    options: {
      namespace: {
        type: 'string',
        description: 'Whose entries: projects, auth-keys, …',
        default: 'default',
        alias: 'n',
      },
    },
    examples: [
      'autodocops cache stats',
      'autodocops cache explain 1 --namespace projects',
      'autodocops cache clear --namespace projects',
    ],
    run,
  },
} as const

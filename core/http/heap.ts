import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

/**
 * How full the heap is; at 1 the process ends. What V8 calls its limit counts room for new objects in, 192 MiB on
 * Node 24, and a heap that a flag keeps small is full long before: so old objects against what they may have.
 */
export function heapFullness(): number {
  const limit = flaggedBytes() ?? getHeapStatistics().heap_size_limit
  const old = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'))
  return old.reduce((bytes, space) => bytes + space.space_used_size, 0) / limit
}

/** The last one holds; Deno tells nobody of those on its own command line. */
function flaggedBytes(): number | undefined {
  const { env, execArgv, versions } = process
  const fromEnvironment = 'deno' in versions ? env['DENO_V8_FLAGS'] : env['NODE_OPTIONS']
  const flags = [fromEnvironment, ...execArgv].join(' ')
  const [, mebibytes] = [...flags.matchAll(/--max[-_]old[-_]space[-_]size=(\d+)/g)].at(-1) ?? []
  return mebibytes === undefined ? undefined : Number(mebibytes) * 1_048_576
}

/** A child of the benchmark: serves one contender and tells its CPU time when asked. */
import { contenders } from './routing-contenders.ts'
import { benchRoutes } from './routing-table.ts'

const [name = '', count = '1'] = process.argv.slice(2)
const start = contenders[name]
if (start === undefined) throw new Error(`no contender '${name}'`)
const port = await start(benchRoutes(Number(count)))

process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit(0))
process.send?.({ port })

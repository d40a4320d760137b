import { explain, type Explanation } from '../manifest/explain.ts'
import { readManifest } from '../manifest/read.ts'
import { pathOf } from '../manifest/tree.ts'
import { plan } from '../plan.ts'
import { builtInSources } from '../sources.ts'
import { knownPlugins } from './known-plugins.ts'
import { faultsOf, printFaults } from './faults.ts'
import { exitCodes, type CliVerb } from './verb.ts'

export const config: CliVerb = {
  summary: 'Show the config that would run, or explain one value; secrets are not shown',
  positionals: [],
  options: {
    explain: {
      type: 'string',
      description: 'A path, such as plugins.database.config.host: value, origin, default',
    },
  },
  examples: [
    'autodocops config',
    'autodocops config --explain server.port',
    'autodocops config --explain plugins.database.config.password --json',
  ],
  run: async (args, io) => {
    const manifest = readManifest({ cwd: io.cwd, env: io.env })
    const path = args['explain']
    if (typeof path === 'string') {
      const told = explain(manifest, knownPlugins(manifest), pathOf(path))
      io.out(io.json ? JSON.stringify(told) : text(told))
      return told.known ? exitCodes.done : exitCodes.failed
    }
    try {
      const { server, log, plugins } = await plan(manifest, builtInSources())
      const entries = plugins.map(({ name, config: value }) => [name, value] as const)
      const all = { server, log, plugins: Object.fromEntries(entries) }
      io.out(JSON.stringify(all, null, io.json ? 0 : 2))
      return exitCodes.done
    } catch (error) {
      const faults = faultsOf(error)
      printFaults(faults, io)
      if (io.json) io.out(JSON.stringify({ faults }))
      return exitCodes.configuration
    }
  },
}

function text({
  path,
  known,
  value,
  origin,
  position,
  byDefault,
  env,
  description,
  hint,
}: Explanation): string {
  const where = position && `${position.file}:${position.line}:${position.col}`
  const rows = [
    ['value', known ? (value === undefined ? 'not set' : plainly(value)) : undefined],
    ['from', origin],
    ['written', where],
    ['default', byDefault === undefined ? undefined : plainly(byDefault)],
    ['environment', env],
    ['meaning', description],
    ['hint', hint],
  ].filter((row): row is [string, string] => row[1] !== undefined)
  const title = known ? path : `${path}: no such option`
  return [title, ...rows.map(([name, told]) => `  ${name.padEnd(11)} ${told}`)].join('\n')
}

const plainly = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

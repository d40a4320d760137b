import { isLoopback } from '../manifest/server-config.ts'
import { readManifest } from '../manifest/read.ts'
import { plan, type Plan, type PlannedPlugin } from '../plan.ts'
import { builtInSources } from '../sources.ts'
import { faultsOf, printFaults } from './faults.ts'
import { describePreview, previewOfRunning } from './running-preview.ts'
import { exitCodes, type CliVerb } from './verb.ts'

export const planVerb: CliVerb = {
  summary: 'Show what would run, in the order of its start, and what a reload would change',
  positionals: [],
  options: {},
  examples: ['autodocops plan', 'NODE_ENV=production autodocops plan --json'],
  run: async (_args, io) => {
    try {
      const made = await plan(readManifest({ cwd: io.cwd, env: io.env }), builtInSources())
      printFaults(made.warnings, io)
      const reload = await previewOfRunning(made.server, io)
      if (io.json) io.out(JSON.stringify({ ...asJson(made), ...(reload && { reload }) }))
      else io.out([describe(made), ...(reload ? ['', describePreview(reload)] : [])].join('\n'))
      return exitCodes.done
    } catch (error) {
      const faults = faultsOf(error)
      printFaults(faults, io)
      if (io.json) io.out(JSON.stringify({ faults }))
      return exitCodes.configuration
    }
  },
}

const asJson = ({ hash, server, log, plugins, disabled, warnings }: Plan) => ({
  hash,
  server,
  log,
  plugins: plugins.map(({ name, source, key, needs, level, critical, generates, position }) => {
    return { name, version: source.facts.version, key, level, needs, critical, generates, position }
  }),
  disabled: disabled.map(({ name }) => name),
  warnings,
})

function describe({ hash, server, plugins, disabled }: Plan): string {
  const width = Math.max(0, ...plugins.map(({ name }) => name.length))
  const { host, port, operations } = server
  const open = isLoopback(host) ? 'this machine only' : 'reachable from other machines'
  return [
    `Plan ${hash}: ${plugins.length} plugins; ${host}:${port} (${open}), operations on ${operations.host}:${operations.port}`,
    ...plugins.map((planned) => line(planned, width)),
    `  off: ${disabled.map(({ name }) => name).join(', ') || 'none'}`,
  ].join('\n')
}

function line({ name, key, level, needs, critical, generates }: PlannedPlugin, width: number) {
  const parts = [
    needs.length === 0 ? '' : `after ${needs.join(', ')}`,
    critical ? '' : 'may fail',
    generates.length === 0 ? '' : `makes its own ${generates.join(', ')}`,
  ]
  return `  ${level}  ${name.padEnd(width)}  ${key}  ${parts.filter((part) => part !== '').join('; ')}`.trimEnd()
}

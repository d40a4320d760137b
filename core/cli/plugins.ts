import { resolve } from 'node:path'

import type { PluginFacts } from '../facts.ts'
import { readManifest } from '../manifest/read.ts'
import { plan } from '../plan.ts'
import { builtInSources, factsOfCode } from '../sources.ts'
import { faultsOf, printFaults } from './faults.ts'
import { asCalled } from './invocation.ts'
import { switchPlugin } from './plugins-switch.ts'
import { exitCodes, type CliIo, type CliVerb } from './verb.ts'

interface Row extends PluginFacts {
  readonly enabled: boolean
}

export const plugins: CliVerb = {
  summary: 'List the plugins, on and off; tell all of one; switch one on or off in the manifest',
  positionals: ['[enable|disable]', '[name]'],
  options: {
    apply: {
      type: 'boolean',
      description: 'After enable or disable: let the running server reload',
    },
    facts: {
      type: 'string',
      description: 'Print what a package from outside writes under "autodocops" in package.json',
    },
  },
  examples: [
    'autodocops plugins',
    'autodocops plugins cache',
    'autodocops plugins disable billing --apply',
    'autodocops plugins enable billing --apply',
    'autodocops plugins --facts ./my-plugins/reports',
  ],
  run: async (args, io) => {
    if (typeof args['facts'] === 'string') return printFacts(args['facts'], io)
    const { 'enable|disable': first } = args
    if (first === 'enable' || first === 'disable') return switchPlugin(first === 'enable', args, io)
    const rows = await list(io)
    if (rows === undefined) return exitCodes.configuration
    const name = first
    if (typeof name !== 'string') {
      io.out(io.json ? JSON.stringify(rows.map(brief)) : rows.map(line(rows)).join('\n'))
      if (!io.json)
        io.out(`\n${asCalled('To switch one on or off: autodocops plugins --help', io.cwd)}`)
      return exitCodes.done
    }
    return describe(name, rows, io)
  },
}

async function printFacts(folder: string, io: CliIo): Promise<number> {
  io.out(JSON.stringify(await factsOfCode(resolve(io.cwd, folder)), null, io.json ? 0 : 2))
  return exitCodes.done
}

async function list(io: CliIo): Promise<readonly Row[] | undefined> {
  try {
    const made = await plan(readManifest({ cwd: io.cwd, env: io.env }), builtInSources())
    const on = made.plugins.map(({ source }) => ({ ...source.facts, enabled: true }))
    const off = made.disabled.map((facts) => ({ ...facts, enabled: false }))
    return [...on, ...off]
  } catch (error) {
    const faults = faultsOf(error)
    printFaults(faults, io)
    if (io.json) io.out(JSON.stringify({ faults }))
    return undefined
  }
}

const brief = ({ name, version, summary, enabled }: Row) => ({ name, version, summary, enabled })

function line(rows: readonly Row[]) {
  const width = Math.max(...rows.map(({ name }) => name.length))
  return ({ name, version, summary, enabled }: Row) =>
    `${enabled ? 'on ' : 'off'}  ${name.padEnd(width)}  ${version}  ${summary}`
}

function describe(name: string, rows: readonly Row[], io: CliIo): number {
  const row = rows.find((known) => known.name === name)
  if (row === undefined) {
    io.err(`no plugin is named '${name}'\n    hint: known: ${rows.map((r) => r.name).join(', ')}`)
    return exitCodes.failed
  }
  io.out(io.json ? JSON.stringify(row) : page(row))
  return exitCodes.done
}

const page = (row: Row): string =>
  [
    `${row.name} ${row.version} (${row.enabled ? 'on' : 'off'}): ${row.summary}`,
    ...part(
      'requires',
      row.requires.map(({ id, optional }) => (optional ? `${id} (when it is on)` : id)),
    ),
    ...part('provides', row.provides),
    ...part('fills', row.fills),
    ...part('routes', row.routes),
    ...part('metrics', row.metrics),
    ...part(
      'verbs',
      row.commands.map(({ name, summary }) => `${name}: ${summary}`),
    ),
    ...part('environment', row.environment),
    ...part('config', Object.keys((row.config['properties'] ?? {}) as object)),
  ].join('\n')

const part = (title: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [] : [`  ${title}`, ...items.map((item) => `    ${item}`)]

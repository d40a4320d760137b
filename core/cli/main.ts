#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

import { isProblem } from '../errors.ts'
import { FaultsError, faultText } from '../manifest/faults.ts'
import { builtInSources } from '../sources.ts'
import { parseArguments, UsageError } from './arguments.ts'
import { asCalled } from './invocation.ts'
import { surviveBrokenOutput, writeLine } from './output.ts'
import { tellUsage } from './tell-usage.ts'
import { exitCodes, type CliIo, type CliVerb } from './verb.ts'

/** Each loaded only when it is called: `check` must not load what `start` needs. */
const verbs: Readonly<Record<string, () => Promise<CliVerb>>> = {
  start: async () => (await import('./start.ts')).start,
  init: async () => (await import('./init.ts')).init,
  doctor: async () => (await import('./doctor.ts')).doctor,
  check: async () => (await import('./check.ts')).check,
  plan: async () => (await import('./plan.ts')).planVerb,
  reload: async () => (await import('./reload.ts')).reload,
  plugins: async () => (await import('./plugins.ts')).plugins,
  schema: async () => (await import('./schema.ts')).schema,
  config: async () => (await import('./config.ts')).config,
  'new-plugin': async () => (await import('./new-plugin.ts')).newPlugin,
  version: async () => (await import('./version.ts')).version,
}

/** Runs one verb and returns its exit code. */
export async function main(
  argv: readonly string[],
  io: Omit<CliIo, 'json' | 'step'>,
): Promise<number> {
  const [name = 'help', ...rest] = argv
  const json = rest.includes('--json')
  const err = json ? io.err : (line: string) => io.err(asCalled(line, io.cwd))
  const step = (line: string) => (process.stderr.isTTY ? io.err(`  ${line} …`) : undefined)
  const full = { ...io, json, err, step }
  try {
    if (name === 'help' || name === '--help' || name === '-h') return await help(full)
    const load = verbs[name === '--version' ? 'version' : name]
    if (load === undefined) return await pluginCommand(name, rest, full)
    return await runVerb(name, await load(), rest, full)
  } catch (error) {
    return report(error, full)
  }
}

async function pluginCommand(name: string, argv: readonly string[], io: CliIo): Promise<number> {
  const { runPluginCommand } = await import('./plugin-command.ts')
  return runPluginCommand(name, argv, io, Object.keys(verbs))
}

async function runVerb(name: string, verb: CliVerb, argv: readonly string[], io: CliIo) {
  const args = parseArguments(verb, argv)
  return args['help'] === true ? tellUsage(name, verb, io) : verb.run(args, io)
}

async function help(io: CliIo): Promise<number> {
  const own = await Promise.all(
    Object.entries(verbs).map(async ([name, load]) => ({ name, summary: (await load()).summary })),
  )
  const theirs = [...builtInSources().values()].flatMap(({ facts: { name: plugin, commands } }) =>
    commands.map(({ name, summary }) => ({ name, summary, plugin })),
  )
  const line = ({ name, summary }: (typeof own)[number]) => `  ${name.padEnd(12)} ${summary}`
  const text = [
    'AutoDocOps: an API server of plugins, switched on by one manifest.\n',
    '  autodocops <verb> [options]\n',
    'Verbs',
    ...own.map(line),
    '\nVerbs of plugins',
    ...theirs.map(line),
    '\nEach tells more, with examples: autodocops <verb> --help',
  ]
  io.out(io.json ? JSON.stringify([...own, ...theirs]) : asCalled(text.join('\n'), io.cwd))
  return exitCodes.done
}

/** What a person gets at three in the morning: what is wrong, where, and what to do. */
function report(error: unknown, io: CliIo): number {
  if (error instanceof UsageError) {
    io.err(`${error.message}\nSee: autodocops --help`)
    return exitCodes.usage
  }
  if (error instanceof FaultsError) {
    if (io.json) io.out(JSON.stringify({ faults: error.faults }))
    else io.err(error.faults.map(faultText).join('\n'))
    return exitCodes.configuration
  }
  // Each cause of a boot that failed; other errors stand for themselves.
  const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
  for (const failure of failures) io.err(explain(failure))
  return exitCodes.failed
}

function explain(error: unknown): string {
  if (isProblem(error)) {
    const hint = error.hint === undefined ? '' : `\n    hint: ${error.hint}`
    return `${error.code}: ${error.message}${causeOf(error)}${hint}`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Unless the message tells it already. */
function causeOf({ cause, message }: Error): string {
  if (!(cause instanceof Error) || message.includes(cause.message)) return ''
  return `\n    cause: ${cause.message}`
}

const leftOpenMs = 2_000

const isEntry = (): boolean => {
  const [, script] = process.argv
  return script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href
}

if (isEntry()) {
  surviveBrokenOutput()
  const argv = process.argv.slice(2)
  const code = await main(argv, {
    cwd: process.cwd(),
    env: process.env,
    out: (line) => writeLine(process.stdout, line),
    err: (line) => writeLine(process.stderr, line),
  })
  process.exitCode = code === exitCodes.done ? (process.exitCode ?? code) : code
  // A server has drained by now; on Deno its signal handlers alone would keep the process.
  if (argv[0] === 'start') process.exit()
  // Nor does a verb wait for what a plugin has left open.
  setTimeout(() => process.exit(), leftOpenMs).unref()
}

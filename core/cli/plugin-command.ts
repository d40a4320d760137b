import { createHost } from '../create-host.ts'
import type { CommandFacts, PluginFacts } from '../facts.ts'
import { createLog } from '../log.ts'
import { closest } from '../manifest/closest.ts'
import { readManifest } from '../manifest/read.ts'
import { plan } from '../plan.ts'
import type { Command } from '../plugin.ts'
import { builtInSources } from '../sources.ts'
import type { Progress } from '../starter.ts'
import { parseArguments, UsageError } from './arguments.ts'
import { hasColour } from './colour.ts'
import { knownPlugins, namesUndescribed } from './known-plugins.ts'
import { tellUsage } from './tell-usage.ts'
import { exitCodes, type CliArgs, type CliIo } from './verb.ts'

/**
 * A verb that a plugin brings, from this package or from outside. Its help and how it may be called stand in
 * the facts, so that both are told beside a manifest that is broken; it runs with its plugin's services.
 */
export async function runPluginCommand(
  name: string,
  argv: readonly string[],
  io: CliIo,
  verbs: readonly string[],
): Promise<number> {
  const brings = (facts: PluginFacts) => facts.commands.some((command) => command.name === name)
  const known = knownPlugins(readManifest(io))
  const facts = known.find(brings)?.commands.find((command) => command.name === name)
  if (facts === undefined && !namesUndescribed(readManifest(io))) throw noVerb(name, known, verbs)
  const told = facts && isWhole(facts) ? parseArguments(facts, argv) : undefined
  if (facts && told?.['help'] === true) return tellUsage(name, facts, io)

  const { plugins, disabled } = await plan(readManifest(io), builtInSources())
  const source = plugins.find((planned) => brings(planned.source.facts))?.source
  if (source === undefined) throw isOff(name, disabled.find(brings)) ?? noVerb(name, known, verbs)
  const command = (await source.load()).commands[name] as Command<object>
  const args = told ?? parseArguments(command, argv)
  if (args['help'] === true) return tellUsage(name, command, io)
  return run(source.facts.name, command, args, io)
}

const slowMs = 1_000

/** A package from outside may tell no more than name and summary. */
const isWhole = ({ examples }: CommandFacts): boolean => examples.length > 0

async function run(plugin: string, command: Command<object>, args: CliArgs, io: CliIo) {
  const stream = { write: (line: string) => io.err(line.trimEnd()) }
  const colours = hasColour(process.stderr, io)
  const log = createLog({ level: 'warn', pretty: true, colours, stream })
  const slow = new SlowStarts(io.step)
  const progress = (step: Progress) => slow.see(step)
  const host = createHost({ ...io, log, sources: builtInSources(), progress })
  const { seesApp = false } = command
  const use = async (services: object) => command.run(services, args, io)
  return (await host.borrow(plugin, use, { seesApp })) ?? exitCodes.done
}

/** Most plugins start in no time; of one that does not, a person at a terminal is told. */
class SlowStarts {
  readonly #step: CliIo['step']
  readonly #waiting = new Map<string, NodeJS.Timeout>()

  constructor(step: CliIo['step']) {
    this.#step = step
  }

  see({ plugin, step }: Progress): void {
    clearTimeout(this.#waiting.get(plugin))
    if (step !== 'starting') return
    this.#waiting.set(
      plugin,
      setTimeout(() => this.#step(`starting ${plugin}`), slowMs),
    )
  }
}

const isOff = (name: string, off: PluginFacts | undefined): UsageError | undefined =>
  off && new UsageError(`'${name}' comes with the plugin '${off.name}', which is off`)

function noVerb(name: string, known: readonly PluginFacts[], verbs: readonly string[]) {
  const theirs = known.flatMap(({ commands }) => commands.map((command) => command.name))
  const near = closest(name, [...verbs, ...theirs])
  return new UsageError(`no verb '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`)
}

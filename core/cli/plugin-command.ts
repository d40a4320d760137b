import { createHost } from '../create-host.ts'
import type { PluginFacts } from '../facts.ts'
import { createLog } from '../log.ts'
import { closest } from '../manifest/closest.ts'
import { readManifest } from '../manifest/read.ts'
import { plan } from '../plan.ts'
import type { Command } from '../plugin.ts'
import { builtInSources } from '../sources.ts'
import { describeUsage, parseArguments, UsageError } from './arguments.ts'
import { asCalled } from './invocation.ts'
import { exitCodes, type CliIo } from './verb.ts'

/** A verb that a plugin brings, from this package or from outside: found in the facts, run with its services. */
export async function runPluginCommand(
  name: string,
  argv: readonly string[],
  io: CliIo,
  verbs: readonly string[],
): Promise<number> {
  const sources = builtInSources()
  const { plugins, disabled } = await plan(readManifest(io), sources)
  const brings = (facts: PluginFacts) => facts.commands.some((command) => command.name === name)
  const source = plugins.find((planned) => brings(planned.source.facts))?.source
  if (source === undefined)
    throw new UsageError(whyNot(name, disabled.find(brings), sources, verbs))
  const command = (await source.load()).commands[name] as Command<object>
  const args = parseArguments(command, argv)
  if (args['help'] === true) {
    io.out(asCalled(describeUsage(name, command), io.cwd))
    return exitCodes.done
  }
  const stream = { write: (line: string) => io.err(line.trimEnd()) }
  const host = createHost({
    ...io,
    log: createLog({ level: 'warn', pretty: true, stream }),
    sources,
  })
  const { seesApp = false } = command
  const run = async (services: object) => command.run(services, args, io)
  const code = await host.borrow(source.facts.name, run, { seesApp })
  return code ?? exitCodes.done
}

function whyNot(
  name: string,
  off: PluginFacts | undefined,
  sources: ReturnType<typeof builtInSources>,
  verbs: readonly string[],
): string {
  if (off !== undefined) return `'${name}' comes with the plugin '${off.name}', which is off`
  const names = [...sources.values()].flatMap(({ facts }) =>
    facts.commands.map((verb) => verb.name),
  )
  const near = closest(name, [...verbs, ...names])
  return `no verb '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`
}

import { createHost } from '../create-host.ts'
import { createLog } from '../log.ts'
import type { Command } from '../plugin.ts'
import { closest } from '../manifest/closest.ts'
import { builtInSources } from '../sources.ts'
import { describeUsage, parseArguments, UsageError } from './arguments.ts'
import { exitCodes, type CliIo } from './verb.ts'

/** A verb that a plugin brings: found in the facts, run with the plugin's services. */
export async function runPluginCommand(
  name: string,
  argv: readonly string[],
  io: CliIo,
): Promise<number> {
  const sources = builtInSources()
  const source = [...sources.values()].find(({ facts }) =>
    facts.commands.some((command) => command.name === name),
  )
  if (source === undefined) throw new UsageError(unknown(name, sources))
  const command = (await source.load()).commands[name] as Command<object> | undefined
  if (command === undefined) throw new UsageError(unknown(name, sources))
  const args = parseArguments(command, argv)
  if (args['help'] === true) {
    io.out(describeUsage(name, command))
    return exitCodes.done
  }
  const log = createLog({
    level: 'warn',
    pretty: true,
    stream: { write: (line) => io.err(line.trimEnd()) },
  })
  const host = createHost({ ...io, log, sources })
  const { seesApp = false } = command
  const run = async (services: object) => command.run(services, args, io)
  const code = await host.borrow(source.facts.name, run, { seesApp })
  return code ?? exitCodes.done
}

function unknown(name: string, sources: ReturnType<typeof builtInSources>): string {
  const names = [...sources.values()].flatMap(({ facts }) =>
    facts.commands.map((command) => command.name),
  )
  const near = closest(name, names)
  return `no verb '${name}'${near === undefined ? '' : `; did you mean '${near}'?`}`
}

import { describeUsage, type Usage } from './arguments.ts'
import { asCalled } from './invocation.ts'
import { exitCodes, type CliIo } from './verb.ts'

/** What `autodocops <verb> --help` prints. */
export function tellUsage(verb: string, usage: Usage, io: CliIo): number {
  const { summary, positionals = [], options = {}, examples } = usage
  if (io.json) io.out(JSON.stringify({ verb, summary, positionals, options, examples }))
  else io.out(asCalled(describeUsage(verb, usage), io.cwd))
  return exitCodes.done
}

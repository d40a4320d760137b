import type { Fault } from '../manifest/faults.ts'
import { isError } from '../manifest/faults.ts'
import { readManifest } from '../manifest/read.ts'
import { plan } from '../plan.ts'
import { builtInSources } from '../sources.ts'
import { countFaults, faultsOf, printFaults } from './faults.ts'
import { exitCodes, type CliArgs, type CliIo, type CliVerb } from './verb.ts'

export const check: CliVerb = {
  summary: 'Tell everything that is wrong with the manifest; starts nothing',
  positionals: ['[file]'],
  options: {
    format: {
      type: 'string',
      description: 'text, or github for annotations in a CI run',
      default: 'text',
    },
  },
  examples: [
    'autodocops check',
    'autodocops check config/manifest.yaml --json',
    'NODE_ENV=production autodocops check --format github',
  ],
  run: async (args, io) => {
    const { format } = args
    if (format !== undefined && format !== 'text' && format !== 'github') {
      io.err('--format is text or github')
      return exitCodes.usage
    }
    const { file, faults, plugins } = await judge(args, io)
    printFaults(faults, io, format)
    const failed = faults.some(isError)
    if (io.json) io.out(JSON.stringify({ ok: !failed, faults, plugins }))
    else if (failed) io.err(`\n${countFaults(faults)}; nothing was started.`)
    else io.out(`${file} is good: ${plugins.join(', ') || 'no plugin is on'}.`)
    return failed ? exitCodes.configuration : exitCodes.done
  },
}

interface Judgement {
  /** As shown to people. */
  readonly file: string
  readonly faults: readonly Fault[]
  readonly plugins: readonly string[]
}

async function judge(args: CliArgs, { cwd, env }: CliIo): Promise<Judgement> {
  const file = typeof args['file'] === 'string' ? args['file'] : undefined
  const manifest = readManifest({ cwd, env, file })
  const shown = manifest.file
  try {
    const { warnings, plugins } = await plan(manifest, builtInSources())
    return { file: shown, faults: warnings, plugins: plugins.map(({ name }) => name) }
  } catch (error) {
    return { file: shown, faults: faultsOf(error), plugins: [] }
  }
}

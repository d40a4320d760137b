import { parseArgs } from 'node:util'

import { didYouMean } from '../manifest/closest.ts'
import type { CommandOption } from '../plugin.ts'
import type { CliArgs } from './verb.ts'

/** What a verb takes; both the core's verbs and the plugins' commands. */
export interface Usage {
  readonly summary: string
  readonly positionals?: readonly string[]
  readonly options?: Readonly<Record<string, CommandOption>>
  readonly examples: readonly string[]
}

export type Arguments = CliArgs

/** Used wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const everywhere: Readonly<Record<string, CommandOption>> = {
  json: { type: 'boolean', description: 'Print JSON and nothing else' },
  help: { type: 'boolean', description: 'Show this', alias: 'h' },
}

export function parseArguments(usage: Usage, argv: readonly string[]): Arguments {
  const options = { ...usage.options, ...everywhere }
  const { values, positionals } = parse(options, argv)
  if (values['help'] === true) return values
  const missing = Object.entries(options).find(
    ([name, { required }]) => required === true && values[name] === undefined,
  )
  if (missing !== undefined) throw new UsageError(`--${missing[0]} is missing`)
  return { ...defaultsOf(options), ...values, ...place(usage.positionals ?? [], positionals) }
}

function parse(options: Readonly<Record<string, CommandOption>>, argv: readonly string[]) {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false, alias }]) => [
      name,
      { type, multiple, ...(alias !== undefined && { short: alias }) },
    ]),
  )
  try {
    const parsed = parseArgs({ args: [...argv], options: config, allowPositionals: true })
    return {
      values: parsed.values as Record<string, string | boolean | string[] | undefined>,
      positionals: parsed.positionals,
    }
  } catch (error) {
    throw new UsageError(whyNot(error, Object.keys(options)), { cause: error })
  }
}

/** A misspelt option is told with the one that was meant, not with parseArgs's advice on `--`. */
function whyNot(error: unknown, known: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error)
  const name = /^Unknown option '--?([\w-]+)'/.exec(message)?.[1]
  if (name === undefined) return message
  return [`no option '--${name}'`, didYouMean(name, known)].filter(Boolean).join('; ')
}

const defaultsOf = (options: Readonly<Record<string, CommandOption>>) =>
  Object.fromEntries(
    Object.entries(options).flatMap(([name, { default: value }]) =>
      value === undefined ? [] : [[name, value]],
    ),
  )

function place(names: readonly string[], given: readonly string[]): Record<string, string> {
  if (given.length > names.length)
    throw new UsageError(`'${given[names.length] ?? ''}' is one too many`)
  const placed = names.map((name, index) => [name.replace(/[[\]]/g, ''), given[index]] as const)
  const missing = names.find((name, index) => !name.startsWith('[') && given[index] === undefined)
  if (missing !== undefined) throw new UsageError(`<${missing}> is missing`)
  return Object.fromEntries(
    placed.filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

/** What `--help` prints. */
export function describeUsage(verb: string, usage: Usage): string {
  const positionals = (usage.positionals ?? []).map((name) =>
    name.startsWith('[') ? name : `<${name}>`,
  )
  const options = Object.entries({ ...usage.options, ...everywhere }).map(
    ([name, option]) => [spellings(name, option), describeOption(option)] as const,
  )
  const width = Math.max(...options.map(([spelt]) => spelt.length)) + 2
  return [
    usage.summary,
    '',
    `  autodocops ${[verb, ...positionals].join(' ')} [options]`,
    '',
    'Options',
    ...options.map(([spelt, told]) => `  ${spelt.padEnd(width)} ${told}`),
    '',
    'Examples',
    ...usage.examples.map((example) => `  ${example}`),
  ].join('\n')
}

const spellings = (name: string, { alias }: CommandOption): string =>
  alias === undefined ? `--${name}` : `--${name}, -${alias}`

const describeOption = ({ description, default: value, required, multiple }: CommandOption) =>
  [
    description,
    required === true ? '(required)' : '',
    multiple === true ? '(may be repeated)' : '',
    value === undefined ? '' : `(default ${String(value)})`,
  ]
    .filter((part) => part !== '')
    .join(' ')

import type { CommandIo, CommandOption } from '../plugin.ts'

/** What a verb may touch: its output, the folder it runs in, the environment. */
export interface CliIo extends CommandIo {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export type CliArgs = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** A verb of the core. Plugins bring theirs as a {@link Command}. */
export interface CliVerb {
  readonly summary: string
  /** In order: `['id']`, `['[file]']` when it may be absent. */
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, CommandOption>>
  readonly examples: readonly string[]
  /** Returns the exit code: 0 done, 1 failed, 2 usage, 78 configuration. */
  readonly run: (args: CliArgs, io: CliIo) => number | Promise<number>
}

export const exitCodes = { done: 0, failed: 1, usage: 2, configuration: 78 } as const

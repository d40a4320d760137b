import type { RootLogger } from './log.ts'
import type { Plugin } from './plugin.ts'
import type { HardTokens, Tokens } from './service.ts'

export type AnyPlugin = Plugin<string, Tokens, HardTokens>

export interface AppOptions {
  /** A manifest as a value: `{ server: { port: 0 }, plugins: { cache: { config: { … } } } }`. */
  readonly manifest?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly log?: RootLogger
  readonly production?: boolean
}

import { createRequire } from 'node:module'

import { pino } from 'pino'
import type * as Pretty from 'pino-pretty'

import { logContext } from './log-context.ts'
import { standardOutput } from './log-output.ts'
import { scrub } from './log-scrub.ts'

/** `log.info('text')` or `log.info({ fields }, 'text')`. Never a secret, a token or a prompt. */
export interface LogMethod {
  (message: string): void
  (fields: Readonly<Record<string, unknown>>, message: string): void
}

export interface Logger {
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  readonly child: (fields: Readonly<Record<string, unknown>>) => Logger
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A logger whose level can be changed while it runs. Children follow their root. */
export interface RootLogger extends Logger {
  readonly setLevel: (level: LogLevel) => void
}

export interface LogOptions {
  readonly level: LogLevel
  /** For a person: one readable line, instead of JSON. */
  readonly pretty: boolean
  /** Of readable lines. Absent: none. */
  readonly colours?: boolean
  /** Standard output when absent. */
  readonly stream?: LogStream
}

export interface LogStream {
  readonly write: (line: string) => unknown
}

/** JSON lines: `time level msg`, then `plugin requestId route method status durationMs err` as they apply. */
export function createLog(options: LogOptions): RootLogger {
  const { level, pretty, colours = false, stream = standardOutput() } = options
  const shown = pretty ? prettyLine(colours) : (line: string) => line
  const root = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error) => describeError(error) },
      mixin: requestFields,
    },
    { write: (line) => void stream.write(shown(scrub(line))) },
  )
  const threshold = { rank: logLevels.indexOf(level) }
  return Object.assign(loggerOn(root, threshold), {
    setLevel: (next: LogLevel) => {
      threshold.rank = logLevels.indexOf(next)
    },
  })
}

function prettyLine(colours: boolean): (line: string) => string {
  // Loaded here, and synchronously, because a server without a terminal never needs it.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof Pretty
  return prettyFactory({
    colorize: colours,
    ignore: 'plugin,requestId',
    messageFormat: '{if plugin}[{plugin}] {end}{msg}',
    singleLine: true,
    translateTime: 'HH:MM:ss.l',
  }) as (line: string) => string
}

function requestFields(): object {
  const requestId = logContext()?.requestId
  return requestId === undefined ? {} : { requestId }
}

interface DescribedError {
  readonly type: string
  readonly message: string
  readonly code?: unknown
  readonly stack?: string | undefined
  readonly cause?: DescribedError
}

/** Name, message, code, stack and cause: an SDK's error may hold headers, requests and keys besides. */
function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const { name, message, stack, cause } = error
  return {
    type: name,
    message,
    ...('code' in error && { code: error.code }),
    stack,
    ...(cause !== undefined && depth < 4 && { cause: describeError(cause, depth + 1) }),
  }
}

const ranks = { debug: 0, info: 1, warn: 2, error: 3 } as const

function loggerOn(target: pino.Logger, threshold: { readonly rank: number }): Logger {
  const method = (level: keyof typeof ranks): LogMethod => {
    const write = target[level].bind(target) as (...line: readonly unknown[]) => void
    return (...line: readonly unknown[]) => {
      if (ranks[level] >= threshold.rank) write(...line)
    }
  }
  return {
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    child: (fields) => loggerOn(target.child(fields), threshold),
  }
}

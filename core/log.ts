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

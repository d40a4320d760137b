import { AsyncLocalStorage } from 'node:async_hooks'

/** Whose work this is. A log line written inside it carries `requestId`; a stray rejection, its plugin. */
export interface LogContext {
  readonly plugin: string
  /** Absent in hooks, timers and jobs. */
  readonly requestId?: string
}

// Holds nothing itself: the state lives in the asynchronous call chain, so this is no module-level state.
const storage = new AsyncLocalStorage<LogContext>()

/** Runs `work`, and all that it starts, in a context. */
export const withLogContext = <T>(context: LogContext, work: () => T): T =>
  storage.run(context, work)

export const logContext = (): LogContext | undefined => storage.getStore()

import { isProblem } from 'autodocops'
import type { ProblemError } from 'autodocops'

import { DatabaseErrors, retrySoon } from './errors.ts'

export type Fault = 'connection' | 'constraint' | 'timeout' | 'other'

/**
 * What went wrong, by SQLSTATE (Postgres, appendix A) and by the texts of `pg` and `tarn`, which give
 * their own faults no code.
 */
export function faultOf(error: unknown): Fault {
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return faultOfState(code)
  if (typeof code === 'string' && /^E[A-Z_]+$/.test(code)) return 'connection'
  if (isPoolTimeout(error)) return 'connection'
  const text = textOf(error)
  if (text === 'Query read timeout') return 'timeout'
  return connectionTexts.test(text) ? 'connection' : 'other'
}

/** knex puts the statement in front of what `pg` says. */
const textOf = (error: unknown): string =>
  String((error as { message?: unknown }).message)
    .split(' - ')
    .at(-1) ?? ''

/** tarn's; its class is not exported by knex, and it sets no name. */
export const isPoolTimeout = (error: unknown): boolean =>
  error instanceof Error && error.constructor.name === 'TimeoutError'

const connectionTexts =
  /^(timeout expired|Connection terminated|Client (was closed|has encountered)|This socket has been ended|The server does not support SSL|aborted$)/

function faultOfState(state: string): Fault {
  if (state.startsWith('23')) return 'constraint'
  // 57014: cancelled by statement_timeout. 55P03: a lock was not to be had in time.
  if (state === '57014' || state === '55P03') return 'timeout'
  // 08: connection. 28: login. 3D: no such database. 53: out of connections, memory, disk.
  // 57P: shut down, starting up. 25P03: our transaction was idle for too long.
  return /^(08|28|3D|53|57P|25P03)/.test(state) ? 'connection' : 'other'
}

/** Whether the connection is of no use any more: it is gone, or an answer may still come on it. */
export const isBroken = (error: unknown): boolean =>
  faultOf(error) === 'connection' || textOf(error) === 'Query read timeout'

/** The problem for a fault of the connection or the clock; anything else as it came. */
export function problemOf(error: unknown): unknown {
  if (isProblem(error)) return error
  const fault = faultOf(error)
  if (fault === 'connection') return unavailable(error)
  return fault === 'timeout' ? DatabaseErrors.database_timeout(retrySoon(error)) : error
}

const unavailable = (cause: unknown): ProblemError =>
  DatabaseErrors.database_unavailable({
    ...retrySoon(cause),
    detail: reasonOf(cause),
  })

/**
 * What the database or the system says, without the statement and its values: clients read it, and so does who
 * looks for the reason. One that was tried at several addresses fails with an AggregateError without words.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return textOf(error) || (codeOf(error) ?? 'no answer')
}

/** The server, the database or the role has no connection left to give. */
export const isTooMany = (error: unknown): boolean => codeOf(error) === '53300'

const codeOf = (error: unknown): string | undefined =>
  (error as { readonly code?: string } | undefined)?.code

/** What makes a Postgres usable, by SQLSTATE, or by the system's word for why there is no connection. */
export function adviceOn(error: unknown): string {
  const code = codeOf(error)
  if (code === '28P01' || code === '28000')
    return 'mend user and password in DATABASE_URL, or DB_USERNAME and DB_PASSWORD'
  if (code === '3D000')
    return 'create that database (createdb), or name another by DATABASE_URL or DB_NAME'
  if (isTooMany(error))
    return 'raise max_connections of the server, or lower plugins.database.config.pool.max'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'mend the host in DATABASE_URL or DB_HOST'
  return 'start that Postgres, or mend host and port in DATABASE_URL, or DB_HOST and DB_PORT'
}

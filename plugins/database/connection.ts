import pg from 'pg'
import type { ClientConfig } from 'pg'

import type { DatabaseConfig } from './config.ts'

/**
 * `requests` have deadlines. `migrations` wait for locks and build indexes as long as it takes, and a
 * `listener` is idle for ever.
 */
export type Purpose = 'requests' | 'migrations' | 'listener'

const idleTransactionMs = 10_000
/** The server's own answer to a slow statement is better than our giving up: let it come first. */
const graceMs = 500
const int8 = 20

export const isEmbedded = (config: DatabaseConfig): boolean =>
  config.url === undefined && config.host === undefined

/** How `pg` gets there; `socketDirectory` is the embedded database's. */
export function connectionOf(
  config: DatabaseConfig,
  socketDirectory: string,
  purpose: Purpose,
): ClientConfig {
  const common = {
    application_name: `autodocops ${purpose}`,
    connectionTimeoutMillis: config.deadlines.connect,
    keepAlive: true,
    types: { getTypeParser },
  }
  if (isEmbedded(config)) {
    const place = { host: socketDirectory, port: 5432, user: 'postgres', database: 'postgres' }
    // No server time-outs: PGlite has one session for all, and its idle time-out spins for ever.
    const limits = purpose === 'requests' ? { query_timeout: config.deadlines.statement } : {}
    return { ...common, ...place, ssl: false, ...limits }
  }
  return { ...common, ...addressOf(config), ...sslOf(config), ...limitsOf(config, purpose) }
}

function addressOf(config: DatabaseConfig): ClientConfig {
  if (config.url !== undefined) return { connectionString: config.url.reveal() }
  const { host, port, name, username, password } = config
  const secret = password === undefined ? {} : { password: password.reveal() }
  return {
    ...(host === undefined ? {} : { host }),
    port,
    database: name,
    user: username,
    ...secret,
  }
}

function sslOf({ ssl }: DatabaseConfig): ClientConfig {
  if (ssl === undefined) return {}
  return { ssl: ssl === 'disable' ? false : { rejectUnauthorized: ssl === 'verify-full' } }
}

/** Sent when connecting: a SET on a pooled connection would be lost behind a proxy such as pgbouncer. */
function limitsOf({ deadlines }: DatabaseConfig, purpose: Purpose): ClientConfig {
  if (purpose !== 'requests') return {}
  return {
    statement_timeout: deadlines.statement,
    query_timeout: deadlines.statement + graceMs,
    idle_in_transaction_session_timeout: idleTransactionMs,
  }
}

/** For Postgres' own tools: without the password, which they ask for. */
export function shownUrlOf(config: DatabaseConfig): string {
  const { url, username } = config
  const user = url === undefined ? encodeURIComponent(username) : new URL(url.reveal()).username
  return `postgres://${user === '' ? '' : `${user}@`}${placeOf(config)}`
}

/** `host:port/name`, never the password. */
export function placeOf(config: DatabaseConfig): string {
  if (config.url === undefined) return `${config.host ?? ''}:${String(config.port)}/${config.name}`
  const url = new URL(config.url.reveal())
  const host = url.hostname === '' ? (url.searchParams.get('host') ?? 'localhost') : url.hostname
  return `${host}:${url.port === '' ? '5432' : url.port}${url.pathname}`
}

/**
 * `int8` as a number where it fits, as text where it does not; for our clients alone. A parser set by
 * `pg.types` would change every other user of `pg` in the process.
 */
const getTypeParser = ((oid: number, format?: 'text') =>
  oid === int8 ? readInt8 : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser

const readInt8 = (text: string): number | string => {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}

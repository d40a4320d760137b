import { createServer } from 'node:net'

import { messageOf } from '../instance.ts'
import type { Address, ServerConfig } from '../manifest/server-config.ts'
import type { Finding } from '../plugin.ts'
import { findServer } from '../running-server.ts'

const answerMs = 2_000

/** Free, or taken by the server of ours that runs on this data folder. */
export const examinePorts = (server: ServerConfig, dataDir: string): Promise<readonly Finding[]> =>
  Promise.all([
    examinePort('public port', server, 'PORT', dataDir),
    examinePort('operations port', server.operations, 'OPERATIONS_ADDRESS', dataDir),
  ])

async function examinePort(
  check: string,
  { host, port }: Address,
  variable: string,
  dataDir: string,
): Promise<Finding> {
  const where = `${host}:${port}`
  if (port === 0) return { check, verdict: 'ok', saw: 'whichever is free' }
  const error = await tryListening({ host, port })
  if (error === undefined) return { check, verdict: 'ok', saw: `${where} is free` }
  const { code = '' } = error
  if (code === 'EADDRINUSE' && findServer(dataDir) && (await isOurs({ host, port }))) {
    return { check, verdict: 'ok', saw: `our running server has ${where}` }
  }
  const saw = code === 'EADDRINUSE' ? `${where} is taken` : `${where}: ${messageOf(error)}`
  return { check, verdict: 'failed', saw, fix: adviceOn(code, port, variable) }
}

function tryListening(at: Address): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen(at, () => server.close(() => resolve(undefined)))
  })
}

async function isOurs({ host, port }: Address): Promise<boolean> {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  const url = `http://${name.includes(':') ? `[${name}]` : name}:${port}/healthz`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerMs) })
    // The operations listener may want a credential, which the check of the running server shows.
    return answer.headers.has('x-request-id')
  } catch {
    return false
  }
}

function adviceOn(code: string, port: number, variable: string): string {
  if (code === 'EADDRINUSE') {
    return `stop what listens there (ss -ltnp 'sport = :${port}' names it), or choose another by ${variable}`
  }
  if (code === 'EACCES') return `ports below 1024 need rights: choose a higher one by ${variable}`
  return `set HOST or ${variable} to an address of this machine`
}

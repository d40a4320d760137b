import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Secret } from './secret.ts'

/** A server leaves its address in `dataDir`, so that commands beside it find it. */
export interface RunningServer {
  readonly pid: number
  readonly operations: string
}

const fileIn = (dataDir: string) => join(dataDir, 'server.json')

export function announce(dataDir: string, server: RunningServer): void {
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(fileIn(dataDir), `${JSON.stringify(server)}\n`, { mode: 0o600 })
}

export function withdraw(dataDir: string): void {
  if (findServer(dataDir)?.pid === process.pid) rmSync(fileIn(dataDir), { force: true })
}

/** `undefined` when none was announced, or the one that was is gone. */
export function findServer(dataDir: string): RunningServer | undefined {
  try {
    const server = JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as RunningServer
    process.kill(server.pid, 0)
    return server
  } catch {
    return undefined
  }
}

export const credential = (token: Secret | undefined): Readonly<Record<string, string>> =>
  token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }

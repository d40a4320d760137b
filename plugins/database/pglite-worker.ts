/**
 * The worker thread of the embedded database: holds the folder, opens PGlite, serves its socket.
 * A thread, since in the server's own PGlite blocks every request for as long as a statement takes.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { parentPort, workerData } from 'node:worker_threads'

import { PGlite } from '@electric-sql/pglite'

import { Claim, FolderInUse } from './claim.ts'
import type { WorkerOrder, WorkerReport, WorkerRequest } from './embedded.ts'
import { PgliteServer } from './pglite-server.ts'
import { SyncedFiles, syncTree } from './synced-files.ts'

const order = workerData as WorkerOrder
const idleMs = 10_000

const tell = (report: WorkerReport): void => parentPort?.postMessage(report)

let server: PgliteServer | undefined
const accepted: ((server: PgliteServer) => void)[] = []

async function open(): Promise<void> {
  mkdirSync(order.directory, { recursive: true, mode: 0o700 })
  const claim = await Claim.take(order.directory, order.owner, (socket) => {
    if (server !== undefined) return server.accept(socket)
    accepted.push((ready) => ready.accept(socket))
  })
  const db = await openPglite()
  server = new PgliteServer(db, idleMs)
  for (const accept of accepted.splice(0)) accept(server)
  parentPort?.on('message', (asked: WorkerRequest) => {
    if (asked === 'stop') void close(claim, db)
    if (asked === 'ping') tell({ kind: 'pong' })
  })
  tell({ kind: 'ready' })
}

/** A folder whose making was cut short holds nothing that anybody was promised: it is made again. */
async function openPglite(): Promise<PGlite> {
  const dataDir = join(order.directory, order.folder)
  const making = `${dataDir}.making`
  if (existsSync(making)) rmSync(dataDir, { recursive: true, force: true })
  const isNew = !existsSync(dataDir)
  tell({ kind: 'opening', isNew })
  if (isNew) writeFileSync(making, '')
  const copy = order.copy === undefined ? undefined : new Blob([await readFile(order.copy)])
  const db = await PGlite.create({
    fs: new SyncedFiles(dataDir),
    startParams: [...SyncedFiles.startParams],
    relaxedDurability: false,
    ...(copy === undefined ? {} : { loadDataDir: copy }),
  })
  await db.query('select 1')
  if (isNew) {
    await db.query('checkpoint')
    syncTree(dataDir)
  }
  rmSync(making, { force: true })
  return db
}

async function close(claim: Claim, db: PGlite): Promise<void> {
  claim.server.close()
  await server?.close()
  await db.close()
  claim.release()
  process.exit(0) // of this thread; on Deno a port cannot be closed
}

open().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error)
  tell({ kind: 'failed', inUse: error instanceof FolderInUse, reason })
  process.exit(1)
})

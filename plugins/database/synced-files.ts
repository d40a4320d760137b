import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

/**
 * PGlite's files in a folder, with the `fsync` that PGlite 0.5 leaves out: as it comes it runs with
 * `fsync=off`, on a file system that has none, and a power failure takes what was acknowledged.
 */
export class SyncedFiles extends NodeFS {
  readonly #sync: (descriptor: number) => void

  constructor(dataDir: string, sync: (descriptor: number) => void = fsyncSync) {
    super(dataDir)
    this.#sync = sync
  }

  /** Of PGlite's own options, for a Postgres that asks for it; its `fdatasync` never reaches a file system. */
  static readonly startParams: readonly string[] = [
    ...PGlite.defaultStartParams.filter((option) => option !== '-F'),
    '-c',
    'wal_sync_method=fsync',
  ]

  override async init(...[db, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(db, options)
    const fsync = ({ nfd }: { nfd: number }): number => {
      this.#sync(nfd)
      return 0
    }
    const addFsync = ({
      FS,
    }: {
      FS: { filesystems: { NODEFS: { stream_ops: object } } }
    }): void => {
      Object.assign(FS.filesystems.NODEFS.stream_ops, { fsync })
    }
    const preRun = [addFsync, ...(emscriptenOpts.preRun as [])]
    return { emscriptenOpts: { ...emscriptenOpts, preRun } as typeof emscriptenOpts }
  }
}

/** Everything below a folder, and the folder: initdb writes without. */
export function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) syncTree(path)
    else if (entry.isFile()) syncPath(path)
  }
  syncPath(folder)
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

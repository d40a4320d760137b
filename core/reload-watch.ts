import { watch, type FSWatcher } from 'node:fs'
import { basename, dirname, extname } from 'node:path'

/** An editor writes a file in several steps. */
const settlesMs = 200

/**
 * Calls `changed` some time after a file of the manifest was written, an overlay that was not there before
 * included. The folder is watched: a file that is written anew and renamed would leave a watch of its own
 * with the old one. So would a folder that a checkout removes and brings back: the one above is watched too.
 */
export function watchManifest(files: readonly string[], changed: () => void): void {
  const [base = ''] = files
  const stem = basename(base, extname(base))
  // `..data` is how a mounted ConfigMap changes all of its files at once.
  const matters = (name: string) => name.startsWith(stem) || name.startsWith('..')
  new FolderWatch(new Set(files.map((file) => dirname(file))), matters, changed).begin()
}

class FolderWatch {
  readonly #folders: Iterable<string>
  readonly #matters: (name: string) => boolean
  readonly #changed: () => void
  readonly #inside = new Map<string, FSWatcher>()
  #settling: NodeJS.Timeout | undefined

  constructor(folders: Iterable<string>, matters: (name: string) => boolean, changed: () => void) {
    this.#folders = folders
    this.#matters = matters
    this.#changed = changed
  }

  begin(): void {
    for (const folder of this.#folders) {
      this.#enter(folder)
      const isIt = (name: string) => name === basename(folder)
      unlessRefused(() => listen(dirname(folder), isIt, () => this.#leave(folder)))
    }
  }

  #enter(folder: string): void {
    this.#inside.set(
      folder,
      listen(folder, this.#matters, () => this.#settle()),
    )
  }

  /** It went, came, or is another; entered again later, since Deno takes a moment to let go of the old one. */
  #leave(folder: string): void {
    this.#inside.get(folder)?.close()
    this.#inside.delete(folder)
    this.#settle()
  }

  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      for (const folder of this.#folders)
        if (!this.#inside.has(folder)) unlessRefused(() => this.#enter(folder))
      this.#changed()
    }, settlesMs)
  }
}

/** Without a name it may have been any. */
function listen(folder: string, matters: (name: string) => boolean, heard: () => void): FSWatcher {
  const watcher = watch(folder, (_event, name) => {
    if (name === null || matters(name)) heard()
  })
  // That a folder is gone is thrown by Node and told here by Deno.
  watcher.on('error', () => undefined).unref()
  return watcher
}

/** A folder that is gone, or may not be read, is no reason to end a server that runs. */
function unlessRefused(open: () => unknown): void {
  try {
    open()
  } catch {
    // The folder above tells when it is back.
  }
}

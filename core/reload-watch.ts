import { watch } from 'node:fs'
import { basename, dirname, extname } from 'node:path'

/** An editor writes a file in several steps. */
const settlesMs = 200

/**
 * Calls `changed` some time after a file of the manifest was written, an overlay that was not there before
 * included. The folder is watched: a file that is written anew and renamed would leave a watch of its own
 * with the old one.
 */
export function watchManifest(files: readonly string[], changed: () => void): void {
  let settling: NodeJS.Timeout | undefined
  const [base = ''] = files
  const stem = basename(base, extname(base))
  const heard = (_event: string, name: string | null) => {
    // `..data` is how a mounted ConfigMap changes all of its files at once.
    if (name !== null && !name.startsWith(stem) && !name.startsWith('..')) return
    clearTimeout(settling)
    settling = setTimeout(changed, settlesMs)
  }
  for (const folder of new Set(files.map((file) => dirname(file)))) watch(folder, heard).unref()
}

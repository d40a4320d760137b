import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { binary } from './binaries.ts'
import { adoptFolder, atEnd } from './ending.ts'
import { skip } from './skip.ts'

/** With jemalloc, as Redis has it, libfaketime never starts: the C library's own allocator goes before. */
const preload = '/usr/$LIB/faketime/libfaketimeMT.so.1 libc.so.6'

/**
 * A wall clock that a test sets, of the programs that are started with its `env`. Their monotonic time goes on
 * as it does.
 */
export class SetClock {
  readonly #folder = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-clock-')))
  readonly #file = join(this.#folder, 'offset')

  constructor() {
    if (!binary('faketime')) skip('libfaketime', 'apt-get install faketime')
    chmodSync(this.#folder, 0o755) // Postgres runs as somebody else
    this.set(0)
    atEnd(forgetTheDead)
  }

  get env(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: preload,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
  }

  /** So far from the machine's clock; behind it when negative. Holds at once. */
  set(ms: number): void {
    const seconds = ms / 1_000
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`)
    renameSync(`${this.#file}.new`, this.#file)
  }
}

const shared = '/dev/shm'

/** A process that was killed leaves its part of libfaketime's memory. */
async function forgetTheDead(): Promise<void> {
  for (const name of readdirSync(shared)) {
    const pid = /faketime_(?:shm|sem)_(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(shared, name), { force: true })
  }
}

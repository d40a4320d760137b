import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** `pg` adds this name to a host that starts with a slash. */
export const socketIn = (directory: string): string => join(directory, '.s.PGSQL.5432')
const ownerIn = (directory: string): string => join(directory, 'owner')
/** No other process's, even in another container, where pids are the same; no longer than the socket's name. */
const passingNameIn = (directory: string): string =>
  join(directory, `.claim-${randomBytes(3).toString('hex')}`)

export class FolderInUse extends Error {}

/**
 * The embedded database's folder, held by whoever listens on the socket in it. A pid file would lie in
 * containers, which share folders and not pids; a dead process's socket refuses connections at once.
 *
 * The socket is bound under a name of its own and then linked to the real one, since link() creates or
 * fails in one step, and since closing a server unlinks the name that it was bound to, whoever has it.
 */
export class Claim {
  readonly server: Server
  readonly #path: string
  readonly #inode: number

  private constructor(server: Server, path: string) {
    this.server = server
    this.#path = path
    this.#inode = statSync(path).ino
  }

  static async take(
    directory: string,
    owner: string,
    accept: (socket: Socket) => void,
  ): Promise<Claim> {
    const path = socketIn(directory)
    const bound = passingNameIn(directory)
    const server = createServer(accept)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(bound, resolve)
    })
    try {
      await linkAlone(bound, path)
      rmSync(bound) // a kill -9 would leave it
      writeFileSync(ownerIn(directory), owner, { mode: 0o600 })
      return new Claim(server, path)
    } catch (error) {
      server.close()
      throw error
    }
  }

  /** After the server has closed; only the name that is ours. */
  release(): void {
    if (inodeOf(this.#path) === this.#inode) rmSync(this.#path, { force: true })
  }
}

async function linkAlone(bound: string, path: string): Promise<void> {
  const own = statSync(bound).ino
  for (;;) {
    if (linked(bound, path)) return
    const found = inodeOf(path)
    if (await answers(path)) throw new FolderInUse()
    takeAway(path, found)
    // Another process may have judged the dead socket too and be about to take away ours instead.
    if (linked(bound, path)) await sleep(100)
    if (inodeOf(path) === own) return
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves the dead socket away; what turns out to be another one than was judged is put back. */
function takeAway(path: string, judged: number | undefined): void {
  const aside = passingNameIn(dirname(path))
  try {
    renameSync(path, aside)
  } catch {
    return // somebody else took it away
  }
  if (inodeOf(aside) !== judged) linked(aside, path)
  rmSync(aside, { force: true })
}

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

/** Whether a process listens there. One that is too busy to accept still counts: the system answers for it. */
export const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    const end = (alive: boolean) => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
    socket.setTimeout(1_000, () => end(true))
  })

/** Who holds the folder, as it called itself. */
export function ownerOf(directory: string): string | undefined {
  try {
    return readFileSync(ownerIn(directory), 'utf8')
  } catch {
    return undefined
  }
}

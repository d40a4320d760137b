import process from 'node:process'

import type { Command } from 'ioredis'
import { Cluster, Redis } from 'ioredis'

import { Deadlines, isLate } from './deadlines.ts'

/** How commands are watched. */
export interface Watch {
  readonly timeoutMs: number
  /** A connection on which nothing was answered for so long, though it was asked, is dialled anew. */
  readonly silenceMs: number
  /** Called once for each command, when it has its answer. */
  readonly finished: (command: string, durationMs: number) => void
}

/** Gives each command its deadline, and tells how long it took. */
class Watcher {
  readonly #deadlines: Deadlines
  readonly #by: Watch
  readonly #redial: () => void
  /** When the first was sent of those that got no answer in a row. */
  #silentSince: number | undefined

  constructor(by: Watch, redial: () => void = () => {}) {
    this.#deadlines = new Deadlines(by.timeoutMs)
    this.#by = by
    this.#redial = redial
  }

  follow(command: Command): void {
    this.#deadlines.start(command)
    const finish = (error?: unknown) => {
      const durationMs = this.#deadlines.end(command)
      this.#by.finished(command.name, durationMs)
      this.#listen(isLate(error), durationMs)
    }
    command.promise.then(() => finish(), finish)
  }

  /**
   * `socketTimeout` hears bytes, and is content with a line on which they make no sense: with one wrong length all
   * that follows counts as the rest of one answer.
   */
  #listen(isSilent: boolean, durationMs: number): void {
    if (!isSilent) return void (this.#silentSince = undefined)
    const now = performance.now()
    this.#silentSince ??= now - durationMs
    if (now - this.#silentSince < this.#by.silenceMs) return
    this.#silentSince = undefined
    this.#redial()
  }
}

/** A client with a deadline for each command, which tells how long it took. One sent again counts once. */
export class TimedRedis extends Redis {
  #watcher: Watcher | undefined

  watched(by: Watch): this {
    this.#watcher = new Watcher(by, () => this.disconnect(true))
    return this
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const [command, pipeline] = args
    // `isTraced` from its first way to the socket on: one that is sent again is watched already.
    if (this.#watcher && !command.isTraced) this.#watcher.follow(command)
    if (this.#watcher && !pipeline) this.#gather()
    if (command.name === 'select') command.promise.catch(this.#refuse)
    return super.sendCommand(...args)
  }

  /** ioredis would go on in database 0, among the keys of somebody else. */
  readonly #refuse = (): void => {
    if (this.status === 'connect') this.disconnect(true)
  }

  /** What is asked for in one turn of the loop goes out in one write. ioredis' auto-pipelining costs more than it saves. */
  #gather(): void {
    const { stream } = this
    if (!stream || stream.writableCorked > 0) return
    stream.cork()
    process.nextTick(() => stream.uncork())
  }
}

/** Likewise; the deadline holds for a command with all its redirections. */
export class TimedCluster extends Cluster {
  #watcher: Watcher | undefined

  watched(by: Watch): this {
    this.#watcher = new Watcher(by)
    return this
  }

  override sendCommand(...args: Parameters<Cluster['sendCommand']>): unknown {
    const [command] = args
    this.#watcher?.follow(command)
    return super.sendCommand(...args)
  }
}

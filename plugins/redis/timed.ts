import type { Command } from 'ioredis'
import { Cluster, Redis } from 'ioredis'

/** How commands are watched. */
export interface Watch {
  readonly timeoutMs: number
  readonly now: () => number
  /** Called once for each command, when it has its answer. */
  readonly finished: (command: string, durationMs: number) => void
}

/**
 * ioredis' own `commandTimeout` looks at the clock before it looks at the socket: after 250 ms of somebody's
 * computing every answer that lies there counts as late. This one reads what has arrived first.
 */
function watch(command: Command, { timeoutMs, now, finished }: Watch): void {
  const startedAt = now()
  const late = () => {
    if (!command.isSettled) command.reject(new Error('Command timed out'))
  }
  const timer = setTimeout(() => setImmediate(late), timeoutMs)
  const finish = () => {
    clearTimeout(timer)
    finished(command.name, now() - startedAt)
  }
  command.promise.then(finish, finish)
}

/** A client with a deadline for each command, which tells how long it took. One sent again counts once. */
export class TimedRedis extends Redis {
  #watch: Watch | undefined

  watched(by: Watch): this {
    this.#watch = by
    return this
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const [command] = args
    // `isTraced` from its first way to the socket on: one that is sent again is watched already.
    if (this.#watch && !command.isTraced) watch(command, this.#watch)
    return super.sendCommand(...args)
  }
}

/** Likewise; the deadline holds for a command with all its redirections. */
export class TimedCluster extends Cluster {
  #watch: Watch | undefined

  watched(by: Watch): this {
    this.#watch = by
    return this
  }

  override sendCommand(...args: Parameters<Cluster['sendCommand']>): unknown {
    const [command] = args
    if (this.#watch) watch(command, this.#watch)
    return super.sendCommand(...args)
  }
}

import type { Command } from 'ioredis'
import { Cluster, Redis } from 'ioredis'

/** Called once for each command, when it has its answer. */
export type Finished = (command: string, durationMs: number) => void

function time(command: Command, finished: Finished, now: () => number): void {
  const startedAt = now()
  const finish = () => finished(command.name, now() - startedAt)
  command.promise.then(finish, finish)
}

/** A client that tells how long its commands took. A command sent again after a reconnect counts once. */
export class TimedRedis extends Redis {
  #watch: ((command: Command) => void) | undefined
  readonly #seen = new WeakSet<Command>()

  timed(finished: Finished, now: () => number): this {
    this.#watch = (command) => time(command, finished, now)
    return this
  }

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const [command] = args
    if (this.#watch && !this.#seen.has(command)) {
      this.#seen.add(command)
      this.#watch(command)
    }
    return super.sendCommand(...args)
  }
}

/** Likewise; the deadline holds for a command with all its redirections. */
export class TimedCluster extends Cluster {
  #watch: ((command: Command) => void) | undefined
  #timeoutMs = 0

  timed(finished: Finished, now: () => number, timeoutMs: number): this {
    this.#watch = (command) => time(command, finished, now)
    this.#timeoutMs = timeoutMs
    return this
  }

  override sendCommand(...args: Parameters<Cluster['sendCommand']>): unknown {
    const [command] = args
    if (this.#watch) {
      command.setTimeout(this.#timeoutMs)
      this.#watch(command)
    }
    return super.sendCommand(...args)
  }
}

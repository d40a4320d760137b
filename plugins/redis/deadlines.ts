import process from 'node:process'

import type { Command } from 'ioredis'

const late = 'Command timed out'
export const isLate = (error: unknown): boolean => error instanceof Error && error.message === late

/** The commands of one turn of the loop leave together, at its end. */
interface Turn {
  sentAt: number
}

/**
 * Rejects the commands of one connection that got no answer in time. All have the same time, so they become late in
 * the order in which they were sent: one timer for the oldest serves for all.
 *
 * ioredis' own `commandTimeout` looks at the clock before it looks at the socket: after 250 ms of somebody's
 * computing every answer that lies there counts as late. Here what has arrived is read first. The time is that of
 * its timer: one that stands still, as in a test, would wait for ever.
 */
export class Deadlines {
  readonly #timeoutMs: number
  /** The oldest is the first. */
  readonly #open = new Map<Command, Turn>()
  #turn: Turn | undefined
  #isTimed = false

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  start(command: Command): void {
    this.#open.set(command, (this.#turn ??= this.#begin()))
    if (!this.#isTimed) this.#wakeIn(this.#timeoutMs)
  }

  /** When it was answered or rejected; how long that took, in ms. */
  end(command: Command): number {
    const now = performance.now()
    const sentAt = this.#open.get(command)?.sentAt ?? now
    this.#open.delete(command)
    return now - sentAt
  }

  #begin(): Turn {
    const turn = { sentAt: performance.now() }
    process.nextTick(() => {
      turn.sentAt = performance.now()
      this.#turn = undefined
    })
    return turn
  }

  /** Does not keep the process alive: a command that waits has a socket that does. */
  #wakeIn(ms: number): void {
    this.#isTimed = true
    setTimeout(() => setImmediate(this.#sweep), ms).unref()
  }

  readonly #sweep = (): void => {
    this.#isTimed = false
    for (const [command, { sentAt }] of this.#open) {
      const leftMs = sentAt + this.#timeoutMs - performance.now()
      if (leftMs > 0) return this.#wakeIn(leftMs)
      command.reject(new Error(late))
    }
  }
}

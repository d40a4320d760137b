import type { Clock, EventBus, Logger } from 'autodocops'

import { CacheEvents } from './contract.ts'

/**
 * Redis refuses this one command; it is there, and other commands go on. The last three are a slot of a Cluster that
 * moves, or a node of a Cluster that was given as a single server.
 */
const refusals =
  /^(?:Too many Cluster redirections\. Last error: ReplyError: (?=TRYAGAIN|ASK))?(OOM|READONLY|NOPERM|MISCONF|WRONGTYPE|NOAUTH|WRONGPASS|NOREPLICAS|EXECABORT|ERR|TRYAGAIN|ASK|MOVED)\b/

export interface Watchers {
  readonly log: Logger
  readonly events: EventBus
  readonly clock: Clock
  /** The longest pause between two probes. */
  readonly probeMaxMs: number
}

const firstProbeMs = 100

/**
 * Whether Redis answers: `up` → (no answer) `down` → (a probe is answered) `up`. While it is down nobody waits for
 * it; probes go in the background. A refusal is an answer. One log line for each outage and each new kind of
 * refusal, not for each request.
 */
export class Availability {
  readonly #to: Watchers
  /** Which of a Cluster's it is. */
  readonly #server: string | undefined
  readonly #probe: () => Promise<unknown>
  readonly #onUp: () => void
  #downSince: number | undefined
  #refusal: string | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(
    server: string | undefined,
    probe: () => Promise<unknown>,
    onUp: () => void,
    to: Watchers,
  ) {
    this.#to = to
    this.#server = server
    this.#probe = probe
    this.#onUp = onUp
  }

  get isUp(): boolean {
    return this.#downSince === undefined
  }

  succeed(): void {
    if (this.#downSince === undefined) return
    const downMs = Math.round(this.#to.clock.monotonic() - this.#downSince)
    this.#downSince = undefined
    this.#refusal = undefined
    this.stop()
    this.#to.log.info({ server: this.#server, downMs }, 'the cache has Redis again')
    this.#to.events.emit(CacheEvents, 'cache:recovered', { downMs })
    this.#onUp()
  }

  fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    const code = refusals.exec(reason)?.[1]
    if (code !== undefined) return this.#refused(code, reason)
    if (this.#downSince !== undefined) return
    this.#downSince = this.#to.clock.monotonic()
    this.#to.log.warn({ server: this.#server, reason }, 'the cache goes on without Redis')
    this.#to.events.emit(CacheEvents, 'cache:degraded', { reason })
    this.#probeIn(firstProbeMs)
  }

  /** Ask now: there is reason to believe that it is back. */
  async ask(): Promise<void> {
    try {
      await this.#probe()
      this.succeed()
    } catch (error) {
      this.fail(error)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #probeIn(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#askAgain(ms), ms).unref()
  }

  async #askAgain(ms: number): Promise<void> {
    await this.ask()
    if (!this.isUp) this.#probeIn(Math.min(2 * ms, this.#to.probeMaxMs))
  }

  #refused(code: string, reason: string): void {
    this.succeed()
    if (this.#refusal === code) return
    this.#refusal = code
    this.#to.log.warn({ server: this.#server, code, reason }, 'Redis refuses commands of the cache')
  }
}

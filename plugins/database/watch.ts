import type { Clock, EventBus } from 'autodocops'

import { DatabaseEvents } from './contract.ts'
import { faultOf, isBroken, problemOf } from './faults.ts'
import type { Fault } from './faults.ts'

type Operation = 'select' | 'insert' | 'update' | 'delete'
const operations: ReadonlySet<string> = new Set<Operation>(['select', 'insert', 'update', 'delete'])

/**
 * Sees every connection and query of a pool: tells of them as events, turns faults into problems, and
 * remembers since when connections are suspect. Up → down with the first fault of a connection; up again
 * with the first answer.
 */
export class Watch {
  readonly #events: EventBus
  readonly #clock: Clock
  readonly #prepare: () => Promise<void>
  #downSince: number | undefined
  #era = 0
  #lostEra = 0

  constructor(events: EventBus, clock: Clock, prepare: () => Promise<void>) {
    this.#events = events
    this.#clock = clock
    this.#prepare = prepare
  }

  /** Grows when a connection broke: those opened before may be dead too, without having said so. */
  get era(): number {
    return this.#era
  }

  /** Connections of an earlier era than this are not even asked: one of them gave no answer. */
  get lostEra(): number {
    return this.#lostEra
  }

  lost(): void {
    this.#era += 1
    this.#lostEra = this.#era
  }

  now(): number {
    return this.#clock.monotonic()
  }

  /** Before a connection is opened: the embedded database may have to be. */
  prepare(): Promise<void> {
    return this.#prepare()
  }

  acquired(begun: number): void {
    this.#events.emit(DatabaseEvents, 'database:connection-acquired', {
      waitMs: this.now() - begun,
    })
  }

  answered(sql: string, begun: number): void {
    this.#tell(sql, begun, undefined)
    if (this.#downSince === undefined) return
    const downMs = this.now() - this.#downSince
    this.#downSince = undefined
    this.#events.emit(DatabaseEvents, 'database:came-back', { downMs })
  }

  failed(sql: string, begun: number, error: unknown): void {
    const fault = faultOf(error)
    this.#tell(sql, begun, fault)
    if (isBroken(error)) this.#era += 1
    if (fault === 'connection') this.down(error)
  }

  /** Notes it and gives the problem to throw. */
  down(error: unknown): unknown {
    const problem = problemOf(error)
    if (this.#downSince !== undefined) return problem
    this.#downSince = this.now()
    const reason = error instanceof Error ? error.message : String(error)
    this.#events.emit(DatabaseEvents, 'database:went-down', { reason })
    return problem
  }

  #tell(sql: string, begun: number, error: Fault | undefined): void {
    const verb = /^\s*(\w+)/.exec(sql)?.[1]?.toLowerCase() ?? ''
    this.#events.emit(DatabaseEvents, 'database:query-finished', {
      operation: operations.has(verb) ? (verb as Operation) : 'other',
      table: /\b(?:from|into|update)\s+"?(\w+)/i.exec(sql)?.[1] ?? 'none',
      durationMs: this.now() - begun,
      error,
    })
  }
}

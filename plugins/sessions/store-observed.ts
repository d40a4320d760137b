import { isProblem } from 'autodocops'
import type { Clock, EventBus } from 'autodocops'

import { SessionEvents } from './contract.ts'
import { E } from './errors.ts'
import type { SessionStore, Swap } from './store.ts'

type Operation = 'load' | 'save' | 'touch' | 'destroy'
type Outcome = 'ok' | 'miss' | 'error'

interface Deps {
  readonly store: SessionStore
  readonly clock: Clock
  readonly events: EventBus
}

/** Any store, told about in events; one that fails is 503, and the cookie stays as it is. */
export class ObservedSessionStore implements SessionStore {
  readonly kind: 'memory' | 'redis'
  readonly #store: SessionStore
  readonly #clock: Clock
  readonly #events: EventBus

  constructor({ store, clock, events }: Deps) {
    this.kind = store.kind
    this.#store = store
    this.#clock = clock
    this.#events = events
  }

  read(handle: string): Promise<string | undefined> {
    return this.#observe('load', () => this.#store.read(handle), isThere)
  }

  create(handle: string, raw: string, ttlMs: number): Promise<void> {
    return this.#observe('save', () => this.#store.create(handle, raw, ttlMs))
  }

  swap(handle: string, seen: string, raw: string, ttlMs: number): Promise<Swap> {
    const isAlive = (swap: Swap) => swap !== 'gone'
    return this.#observe('save', () => this.#store.swap(handle, seen, raw, ttlMs), isAlive)
  }

  /** A swap that only moves the end of the session. */
  touch(handle: string, seen: string, raw: string, ttlMs: number): Promise<Swap> {
    const isAlive = (swap: Swap) => swap !== 'gone'
    return this.#observe('touch', () => this.#store.swap(handle, seen, raw, ttlMs), isAlive)
  }

  destroy(handle: string): Promise<boolean> {
    return this.#observe('destroy', () => this.#store.destroy(handle), Boolean)
  }

  enlist(subject: string, handle: string, expiresAt: number): Promise<void> {
    return this.#guard(() => this.#store.enlist(subject, handle, expiresAt))
  }

  delist(subject: string, handle: string): Promise<void> {
    return this.#guard(() => this.#store.delist(subject, handle))
  }

  handlesOf(subject: string): Promise<readonly string[]> {
    return this.#guard(() => this.#store.handlesOf(subject))
  }

  count(): Promise<number> {
    return this.#guard(() => this.#store.count())
  }

  async #observe<T>(
    operation: Operation,
    work: () => Promise<T>,
    isHit: (result: T) => boolean = () => true,
  ): Promise<T> {
    const startedAt = this.#clock.monotonic()
    try {
      const result = await this.#guard(work)
      this.#tell(operation, isHit(result) ? 'ok' : 'miss', startedAt)
      return result
    } catch (error) {
      this.#tell(operation, 'error', startedAt)
      throw error
    }
  }

  #tell(operation: Operation, outcome: Outcome, startedAt: number): void {
    const durationMs = this.#clock.monotonic() - startedAt
    const payload = { store: this.kind, operation, outcome, durationMs }
    this.#events.emit(SessionEvents, 'sessions:operation-finished', payload)
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      if (isProblem(cause)) throw cause
      throw E.session_store_unavailable({ cause, headers: { 'retry-after': '2' } })
    }
  }
}

const isThere = (value: unknown) => value !== undefined

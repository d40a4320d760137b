import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock, Random } from 'autodocops'

import type { Changes } from './changes.ts'
import { leaseOf } from './keys.ts'
import type { Pending } from './pending.ts'
import type { Item } from './store-memory.ts'
import type { RemoteStore } from './store.ts'
import type { Tiers } from './tiers.ts'

/** `alone`: make it without a lease, since Redis does not answer or another instance takes too long. */
export type Turn =
  | { readonly kind: 'held'; readonly token: string }
  | { readonly kind: 'alone' }
  | { readonly kind: 'found'; readonly item: Item }
  | { readonly kind: 'busy' }

interface Wanted {
  readonly remote: RemoteStore | undefined
  readonly tiers: Tiers
  readonly changes: Changes
  readonly pending: Pending
  readonly unique: () => string
  readonly waitMs: number
  readonly onWait: () => void
  readonly clock: Clock
  readonly random: Random
}

/**
 * One instance makes a value, the others wait for it. They hear of the end on the bus and look by themselves
 * all the same, since the holder may die.
 */
export class Leases {
  readonly #to: Wanted
  readonly #waiting = new Map<string, AbortController>()

  constructor(to: Wanted) {
    this.#to = to
  }

  async take(key: string, hardMs: number, isPatient: boolean): Promise<Turn> {
    const { remote, pending, clock } = this.#to
    if (!remote || pending.covers(key)) return { kind: 'alone' }
    const token = this.#to.unique()
    const until = clock.monotonic() + this.#to.waitMs
    for (let tries = 0; clock.monotonic() <= until; tries++) {
      const turn = await this.#try(remote, key, token, hardMs)
      if (turn.kind !== 'busy' || !isPatient) return turn
      if (tries === 0) this.#to.onWait()
      await this.#wait(key, tries)
    }
    return { kind: 'alone' }
  }

  wake(key: string): void {
    this.#waiting.get(key)?.abort()
  }

  async #try(remote: RemoteStore, key: string, token: string, hardMs: number): Promise<Turn> {
    const { changes, pending } = this.#to
    const mark = changes.mark()
    const isAsked = remote.reaches(key)
    const answer = await remote.acquire(key, token, hardMs)
    if (!answer) {
      // Carried out late, it is a lease that nobody holds, and all would wait for its end.
      if (isAsked && !remote.reaches(key))
        pending.add(leaseOf(key), () => remote.release(key, token))
      return { kind: 'alone' }
    }
    const { kept, isHeld } = answer.value
    const found = await this.#to.tiers.judge(key, kept, mark)
    if (found.state !== 'fresh') return isHeld ? { kind: 'held', token } : { kind: 'busy' }
    if (isHeld) void remote.release(key, token) // nobody needs the answer: it ends by itself
    return { kind: 'found', item: found.item }
  }

  /** 25 → 250 ms, and chance, so that instances do not ask in step. */
  async #wait(key: string, tries: number): Promise<void> {
    const ms = Math.min(25 * 2 ** tries, 250) * (0.5 + 0.5 * this.#to.random.float())
    const waiting = this.#waiting.get(key) ?? new AbortController()
    this.#waiting.set(key, waiting)
    try {
      await sleep(ms, undefined, { signal: waiting.signal })
    } catch {
      // Woken: look at once.
    } finally {
      if (this.#waiting.get(key) === waiting) this.#waiting.delete(key)
    }
  }
}

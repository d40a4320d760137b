import type { Clock } from 'autodocops'

import type { EntryReport } from './contract.ts'
import type { Entry } from './entry.ts'
import { decode, isOver } from './entry.ts'
import type { Item, MemoryStore } from './store-memory.ts'
import type { RemoteStore } from './store.ts'
import type { Tags } from './tags.ts'

interface Wanted {
  readonly memory: MemoryStore
  readonly remote: RemoteStore | undefined
  readonly tags: Tags
  readonly trusts: (at: number) => boolean
  readonly clock: Clock
}

type State = 'fresh' | 'stale' | 'none'
interface Judged {
  readonly entry: Entry | undefined
  readonly state: State
  readonly reason: string | null
}

const absent: Judged = { entry: undefined, state: 'none', reason: 'there is no value' }

/** Why a read of a key hits or misses, without changing anything. */
export class Explainer {
  readonly #to: Wanted

  constructor(to: Wanted) {
    this.#to = to
  }

  async explain(key: string, at: string): Promise<EntryReport> {
    const item = this.#to.memory.peek(at)
    const memory = item ? this.#distrust(item, await this.#judge(item)) : absent
    const remote = await this.#remote(at)
    const best =
      memory.state === 'fresh' || remote.judged.entry === undefined ? memory : remote.judged
    return {
      key,
      memory: memory.state,
      redis: remote.is,
      ...this.#ends(best.entry),
      tags: Object.keys(best.entry?.tags ?? {}),
      bytes: Buffer.byteLength(best.entry?.json ?? ''),
      reason: best.reason,
    }
  }

  async #remote(at: string): Promise<{ is: EntryReport['redis']; judged: Judged }> {
    if (!this.#to.remote) return { is: 'off', judged: absent }
    const answer = await this.#to.remote.read(at)
    if (!answer) return { is: 'down', judged: absent }
    if (answer.value === null) return { is: 'none', judged: absent }
    const entry = decode(answer.value.text, answer.value.until)
    const judged = entry
      ? await this.#judge(entry)
      : { ...absent, reason: 'what stands in Redis is not ours' }
    return { is: judged.state, judged }
  }

  async #judge(entry: Entry): Promise<Judged> {
    const now = this.#to.clock.monotonic()
    const verdict = await this.#to.tags.judge(entry)
    const tags = Object.keys(entry.tags).join(', ')
    if (verdict === 'gone')
      return { entry, state: 'none', reason: `removed by one of its tags: ${tags}` }
    if (isOver(entry, now)) return { entry, state: 'none', reason: 'its time is over' }
    if (verdict === 'stale')
      return { entry, state: 'stale', reason: `expired by one of its tags: ${tags}` }
    if (entry.freshUntil <= now)
      return { entry, state: 'stale', reason: 'past its time, kept for failures' }
    return { entry, state: 'fresh', reason: null }
  }

  /** By the clock on the wall. One that somebody expired was to end at no time. */
  #ends(entry: Entry | undefined): Pick<EntryReport, 'expiresAt' | 'staleUntil'> {
    if (entry === undefined) return { expiresAt: null, staleUntil: null }
    const { createdAt, freshUntil, staleUntil } = entry
    const ahead = this.#to.clock.now() - this.#to.clock.monotonic()
    const time = (at: number) => new Date(Math.round(at + ahead)).toISOString()
    return {
      expiresAt: freshUntil === createdAt ? null : time(freshUntil),
      staleUntil: time(staleUntil),
    }
  }

  #distrust(item: Item, judged: Judged): Judged {
    if (judged.state !== 'fresh' || this.#to.trusts(item.confirmedAt)) return judged
    return {
      ...judged,
      state: 'stale',
      reason: 'other instances are not heard, and it is older than cache.trust',
    }
  }
}

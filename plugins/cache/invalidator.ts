import type { EventBus } from 'autodocops'

import type { Changes } from './changes.ts'
import { CacheEvents } from './contract.ts'
import type { Keys } from './keys.ts'
import type { Leases } from './lease.ts'
import type { Message } from './message.ts'
import type { Pending } from './pending.ts'
import type { Item, MemoryStore } from './store-memory.ts'
import type { Answer, RemoteStore } from './store.ts'
import type { Tags } from './tags.ts'

interface Wanted {
  readonly memory: MemoryStore
  readonly remote: RemoteStore | undefined
  readonly tags: Tags
  readonly changes: Changes
  readonly leases: Leases
  readonly pending: Pending
  readonly keys: Keys
  readonly events: EventBus
}

const mostTries = 3

/**
 * Takes values out, here and everywhere. Memory is touched before Redis is told and again after: in between a
 * reader may have fetched what was still there.
 */
export class Invalidator {
  readonly #to: Wanted

  constructor(to: Wanted) {
    this.#to = to
  }

  async remove(key: string): Promise<void> {
    const { remote, pending } = this.#to
    this.#forget(key)
    if (!remote) return
    if (!(await remote.remove(key))) {
      pending.add(key, () => remote.remove(key))
      this.#spread({ keys: [key] })
    }
    this.#forget(key)
  }

  async expire(key: string): Promise<void> {
    const { remote, pending } = this.#to
    this.#age(key)
    if (!remote) return
    if (!(await remote.expire(key))) {
      // A removal that waits to be told is the stronger word.
      if (!pending.covers(key)) pending.add(key, () => remote.expire(key))
      this.#spread({ keys: [key] })
    }
    this.#age(key)
  }

  /** A value that somebody wrote; `text` is what Redis gets. */
  async write(key: string, item: Item, text: string, ms: number): Promise<void> {
    const { memory, remote, pending, changes } = this.#to
    changes.touch(key)
    memory.set(key, item)
    if (!remote) return
    if (!(await remote.write(key, text, ms))) {
      this.#spread({ keys: [key] })
      return pending.add(key, () => remote.remove(key))
    }
    changes.touch(key)
    // Another value came in between, from a reader or a message: which of the two is newer, Redis knows.
    if (memory.peek(key) !== item) memory.delete(key)
  }

  async turn(tag: string, how: 'hard' | 'soft'): Promise<void> {
    const { remote, tags, pending, keys } = this.#to
    const at = keys.tag(tag)
    const token = tags.turn(tag, how)
    if (!remote) return
    const tell = async (): Promise<Answer<unknown>> => {
      const answer = await remote.turn(tag, token, how)
      if (answer) tags.settle(tag, answer.value)
      return answer
    }
    if (await tell()) return
    pending.add(at, tell)
    this.#spread({ tags: [tag] })
  }

  async clear(namespace: string): Promise<number> {
    const { remote, pending } = this.#to
    const count = this.#sweep(namespace)
    if (!remote) return count
    const answer = await remote.clear(namespace)
    if (!answer) pending.clear(namespace)
    this.#sweep(namespace)
    return answer?.value ?? count
  }

  /** What another instance did. */
  hear(message: Message): void {
    const { keys = [], released = [] } = message
    for (const key of keys) this.#forget(key)
    for (const key of [...keys, ...released]) this.#to.leases.wake(key)
    for (const tag of message.tags ?? []) this.#to.tags.forget(tag)
    for (const namespace of message.cleared ?? []) this.#sweep(namespace)
  }

  /** Messages may have been missed: what is here may be old. First tell what others must know. */
  async resync(): Promise<void> {
    await this.#to.pending.replay()
    this.#to.memory.clearAll()
    this.#to.tags.forgetAll()
    this.#to.changes.touchAll()
    this.#to.events.emit(CacheEvents, 'cache:memory-resynced', {})
  }

  /**
   * What Redis could not be told the other instances may still hear: of a Cluster one server is lost, and the
   * others carry the news.
   */
  #spread(message: Message): void {
    const { remote } = this.#to
    const tell = async (tries: number): Promise<void> => {
      if (tries > 0 && !(await remote?.publish(message))) await tell(tries - 1)
    }
    void tell(mostTries) // nobody waits for it, and it does not throw
  }

  #forget(key: string): void {
    this.#to.changes.touch(key)
    const isThere = this.#to.memory.delete(key)
    if (isThere) this.#tell('delete')
  }

  #age(key: string): void {
    const { memory, changes } = this.#to
    changes.touch(key)
    const item = memory.peek(key)
    if (item) memory.set(key, { ...item, freshUntil: item.createdAt })
  }

  #sweep(namespace: string): number {
    this.#to.changes.touchAll()
    this.#tell('clear')
    return this.#to.memory.clear(namespace)
  }

  #tell(operation: 'delete' | 'clear'): void {
    const facts = { store: 'memory', operation, outcome: 'ok', durationMs: undefined } as const
    this.#to.events.emit(CacheEvents, 'cache:operation-finished', facts)
  }
}

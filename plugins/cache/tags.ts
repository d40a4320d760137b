import { LRUCache } from 'lru-cache'

import type { Changes } from './changes.ts'
import type { Entry } from './entry.ts'
import type { RemoteStore } from './store.ts'

/** `gone`: never serve it. */
export type Verdict = 'fresh' | 'stale' | 'gone'

interface Known {
  readonly token: string
  readonly at: number
}

interface Wanted {
  readonly remote: RemoteStore | undefined
  readonly changes: Changes
  /** Whether what was learned at that monotonic time is still to be believed. */
  readonly trusts: (at: number) => boolean
  readonly now: () => number
  /** Never gives the same text twice, on any instance. */
  readonly unique: () => string
}

/** A token must be read again before Redis forgets it (31 days). */
const maxAgeMs = 86_400_000
/** lru-cache sets aside all the room for a `max` at once, for a `maxSize` as it is needed. */
const sizeCalculation = (): number => 1
const changeKey = (tag: string): string => `#tag:${tag}`
const hardPart = (token: string): string => token.slice(0, token.indexOf('.'))
const softPart = (token: string): string => token.slice(token.indexOf('.') + 1)

/**
 * A tag is a token, `hard.soft`. An entry keeps the tokens that its tags had before it was made and is valid
 * while they are equal: no clock takes part. Removing by tag changes both halves, expiring the second only. A
 * token that got lost is never equal to one that was kept, so that losing it costs a miss and no more.
 */
export class Tags {
  readonly #to: Wanted
  readonly #known = new LRUCache<string, Known>({ maxSize: 100_000, sizeCalculation })
  /** Changed here, and Redis did not confirm it yet: what it says is older. */
  readonly #pinned = new Map<string, string>()
  readonly #making = new Map<string, { readonly mark: number; readonly token: Promise<string> }>()
  /** Another one whenever a token that was known changes. */
  #version = 1

  constructor(to: Wanted) {
    this.#to = to
  }

  /** Whether it was fresh when it was judged last, and no tag changed since: what most reads end with. */
  isFresh(item: Entry & { judgedAt: number }): boolean {
    if (item.judgedAt === this.#version) return true
    if (this.judgeNow(item) !== 'fresh') return false
    item.judgedAt = this.#version
    return true
  }

  /** Without waiting: `undefined` when Redis must be asked. */
  judgeNow({ tags }: Entry): Verdict | undefined {
    let verdict: Verdict = 'fresh'
    for (const tag in tags) {
      const known = this.#trusted(tag)
      if (known === undefined) return this.#to.remote ? undefined : 'gone'
      // It may be what we know that is old: ask before throwing it away.
      if (known !== tags[tag] && this.#to.remote && !this.#pinned.has(tag)) return undefined
      verdict = worse(verdict, compare(tags[tag], known))
    }
    return verdict
  }

  async judge(entry: Entry): Promise<Verdict> {
    const now = this.judgeNow(entry)
    if (now) return now
    const names = Object.keys(entry.tags)
    const current = await Promise.all(names.map((tag) => this.#ask(tag)))
    return names.reduce<Verdict>((verdict, tag, index) => {
      return worse(verdict, compare(entry.tags[tag], current[index]))
    }, 'fresh')
  }

  /** The tokens for a value that is about to be made. */
  async tokens(tags: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const token = async (tag: string) => this.#trusted(tag) ?? (await this.#make(tag))
    const tokens = await Promise.all(tags.map(token))
    return Object.fromEntries(tags.map((tag, index) => [tag, tokens[index] ?? '']))
  }

  /** Changes it in this process, and answers what Redis has to be told; `settle` when it was. */
  turn(tag: string, how: 'hard' | 'soft'): string {
    const fresh = this.#fresh()
    const old = how === 'soft' ? this.#known.get(tag)?.token : undefined
    const token = old === undefined ? fresh : `${hardPart(old)}.${softPart(fresh)}`
    if (this.#to.remote) this.#pinned.set(tag, token)
    this.#learn(tag, token)
    return token
  }

  settle(tag: string, token: string): void {
    this.#pinned.delete(tag)
    this.#learn(tag, token)
  }

  forget(tag: string): void {
    this.#version++
    this.#to.changes.touch(changeKey(tag))
    this.#known.delete(tag)
  }

  forgetAll(): void {
    this.#version++
    this.#known.clear()
  }

  /** All tokens are gone from Redis, and with them what was not confirmed. */
  reset(): void {
    this.#version++
    this.#pinned.clear()
    this.#known.clear()
  }

  touchedSince(mark: number, tags: readonly string[]): boolean {
    return tags.some((tag) => this.#to.changes.touchedSince(mark, changeKey(tag)))
  }

  #learn(tag: string, token: string): void {
    this.#version++
    this.#to.changes.touch(changeKey(tag))
    this.#known.set(tag, { token, at: this.#to.now() })
  }

  #trusted(tag: string): string | undefined {
    const pinned = this.#pinned.get(tag)
    if (pinned !== undefined) return pinned
    const known = this.#known.get(tag)
    if (known === undefined || !this.#to.trusts(known.at)) return undefined
    return this.#to.remote && this.#to.now() - known.at > maxAgeMs ? undefined : known.token
  }

  /** Without an answer what we last knew. If that is nothing it may be removed: the entry's own word is not enough. */
  async #ask(tag: string): Promise<string | undefined> {
    const mark = this.#to.changes.mark()
    const answer = await this.#to.remote?.peekToken(tag)
    if (!answer) return this.#known.get(tag)?.token
    return answer.value === null ? undefined : this.#remember(tag, answer.value, mark)
  }

  /** One command for all who need the token at once. */
  async #make(tag: string): Promise<string> {
    const { changes } = this.#to
    const running = this.#making.get(tag)
    if (running && !changes.touchedSince(running.mark, changeKey(tag))) return running.token
    const mark = changes.mark()
    const making = { mark, token: this.#askOrMake(tag, mark) }
    this.#making.set(tag, making)
    try {
      return await making.token
    } finally {
      if (this.#making.get(tag) === making) this.#making.delete(tag)
    }
  }

  async #askOrMake(tag: string, mark: number): Promise<string> {
    const fresh = this.#fresh()
    const answer = await this.#to.remote?.token(tag, fresh)
    if (answer) return this.#remember(tag, answer.value, mark)
    return this.#known.get(tag)?.token ?? this.#remember(tag, fresh, mark)
  }

  #remember(tag: string, token: string, mark: number): string {
    if (this.#to.changes.touchedSince(mark, changeKey(tag))) return token
    if (this.#known.get(tag)?.token !== token) this.#version++
    this.#known.set(tag, { token, at: this.#to.now() })
    return token
  }

  #fresh(): string {
    const text = this.#to.unique()
    return `${text}.${text}`
  }
}

function compare(kept: string | undefined, current: string | undefined): Verdict {
  if (kept === undefined || current === undefined) return 'gone'
  if (kept === current) return 'fresh'
  return hardPart(kept) === hardPart(current) ? 'stale' : 'gone'
}

const rank: Readonly<Record<Verdict, number>> = { fresh: 0, stale: 1, gone: 2 }
const worse = (a: Verdict, b: Verdict): Verdict => (rank[a] > rank[b] ? a : b)

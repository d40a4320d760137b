/** A value and how long it is good. Times are monotonic, of this process. */
export interface Entry {
  readonly createdAt: number
  readonly freshUntil: number
  readonly staleUntil: number
  /** Tag → the token it had before the value was made: valid while they are equal. */
  readonly tags: Readonly<Record<string, string>>
  readonly json: string
}

const version = 2

/**
 * `[2,lifeMs,staleMs,length,{tags}]`, a line break, and the value as it is. Lengths of time and no times: how long
 * it has left, Redis knows, so that the clocks of two instances are never compared. scripts.ts rewrites the third.
 * The length of the value tells one that was cut, for less than parsing it costs.
 */
export function encode({ createdAt, freshUntil, staleUntil, tags, json }: Entry): string {
  const lifeMs = Math.round(staleUntil - createdAt)
  const staleMs = Math.round(staleUntil - freshUntil)
  return `[${version},${lifeMs},${staleMs},${json.length},${JSON.stringify(tags)}]\n${json}`
}

/** What Redis is told that it has left. */
export const leftOf = ({ staleUntil }: Entry, now: number): number =>
  Math.max(1, Math.round(staleUntil - now))

/** `undefined` for anything that {@link encode} did not write: a foreign value must never be a hit. */
export function decode(text: string, staleUntil: number): Entry | undefined {
  const end = text.indexOf('\n')
  if (end < 0) return undefined
  try {
    const head: unknown = JSON.parse(text.slice(0, end))
    if (!isHead(head)) return undefined
    const [, lifeMs, staleMs, length, tags] = head
    const json = text.slice(end + 1)
    if (json.length !== length) return undefined
    const [createdAt, freshUntil] = [staleUntil - lifeMs, staleUntil - staleMs]
    return { createdAt, freshUntil, staleUntil, tags, json }
  } catch {
    return undefined
  }
}

/** One from the future has more time left than it ever had: the clock of Redis was set back. */
export const isOver = ({ createdAt, staleUntil }: Entry, now: number): boolean =>
  staleUntil <= now || createdAt > now

type Head = readonly [number, number, number, number, Readonly<Record<string, string>>]

function isHead(head: unknown): head is Head {
  if (!Array.isArray(head) || head.length !== 5 || head[0] !== version) return false
  if (!head.slice(1, 4).every(Number.isSafeInteger)) return false
  const tags: unknown = head[4]
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) return false
  return Object.values(tags).every((token) => typeof token === 'string')
}

/** A value and how long it is good. Times are milliseconds since the epoch. */
export interface Entry {
  readonly createdAt: number
  readonly freshUntil: number
  readonly staleUntil: number
  /** Tag → the token it had before the value was made: valid while they are equal. */
  readonly tags: Readonly<Record<string, string>>
  readonly json: string
}

export interface Decoded {
  readonly entry: Entry
  readonly value: unknown
}

const version = 1

/** `[1,createdAt,freshUntil,staleUntil,{tags}]`, a line break, and the value as it is. scripts.ts rewrites the third. */
export const encode = ({ createdAt, freshUntil, staleUntil, tags, json }: Entry): string =>
  `[${version},${createdAt},${freshUntil},${staleUntil},${JSON.stringify(tags)}]\n${json}`

/** `undefined` for anything that {@link encode} did not write: a foreign value must never be a hit. */
export function decode(text: string): Decoded | undefined {
  const end = text.indexOf('\n')
  if (end < 0) return undefined
  try {
    const head: unknown = JSON.parse(text.slice(0, end))
    if (!isHead(head)) return undefined
    const [, createdAt, freshUntil, staleUntil, tags] = head
    const json = text.slice(end + 1)
    return { entry: { createdAt, freshUntil, staleUntil, tags, json }, value: JSON.parse(json) }
  } catch {
    return undefined
  }
}

type Head = readonly [number, number, number, number, Readonly<Record<string, string>>]

function isHead(head: unknown): head is Head {
  if (!Array.isArray(head) || head.length !== 5 || head[0] !== version) return false
  if (!head.slice(1, 4).every(Number.isSafeInteger)) return false
  const tags: unknown = head[4]
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) return false
  return Object.values(tags).every((token) => typeof token === 'string')
}

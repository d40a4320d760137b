import * as z from 'zod'

/** Not z.record: it leaves out a field that is called __proto__. */
const isFields = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A session at rest. Its id is not in it, and not in its key: that is the SHA-256 of the id. */
const schema = z.object({
  subject: z.string().nullable(),
  scopes: z.array(z.string()),
  /** The login: the absolute lifetime counts from here. */
  createdAt: z.number(),
  seenAt: z.number(),
  expiresAt: z.number(),
  userAgent: z.string().nullable(),
  /** What handlers keep in it. */
  data: z.custom<Record<string, unknown>>(isFields),
})

export type SessionRecord = Readonly<z.output<typeof schema>>
export type SessionData = Readonly<Record<string, unknown>>

/** A session as one request met it: what it read is what its write must find. */
export interface Visit {
  readonly id: string
  /** Names the session to its owner and to the store: the SHA-256 of its id. */
  readonly handle: string
  readonly raw: string
  readonly record: SessionRecord
}

/** `undefined`: whatever stands there, it is no session of ours. */
export function parseRecord(raw: string): SessionRecord | undefined {
  try {
    return schema.safeParse(JSON.parse(raw)).data
  } catch {
    return undefined // not JSON: the same as no session
  }
}

/** Two requests wrote: field by field, the one that changed it since `base` wins. */
export function mergeData(base: SessionData, mine: SessionData, theirs: SessionData): SessionData {
  const [before, after] = [new Map(Object.entries(base)), new Map(Object.entries(mine))]
  const merged = new Map(Object.entries(theirs))
  for (const field of new Set([...before.keys(), ...after.keys()])) {
    if (isSame(before.get(field), after.get(field))) continue
    if (after.has(field)) merged.set(field, after.get(field))
    else merged.delete(field)
  }
  return Object.fromEntries(merged)
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

import { createHash } from 'node:crypto'
import { inspect } from 'node:util'

import { isSecret } from './secret.ts'

/** Names content by its hash: 64 bits are enough to tell the plans of one deployment apart. */
export const contentKey = (content: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(canonical(content)))
    .digest('hex')
    .slice(0, 16)

/** The same for the same content, whatever the order of its keys. Secrets count, and do not come out. */
function canonical(value: unknown): unknown {
  if (isSecret(value)) return ['secret', value.reveal()]
  if (value instanceof Map) return ['map', canonical([...value])]
  if (value instanceof Set) return ['set', canonical([...value])]
  if (value instanceof RegExp) return ['pattern', String(value)]
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value === 'object' && value !== null) return isPlain(value) ? sorted(value) : value
  const isJson = ['string', 'boolean'].includes(typeof value) || Number.isFinite(value)
  return isJson || value === null ? value : [typeof value, inspect(value)]
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const sorted = (value: object): unknown =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, canonical(child)]),
  )

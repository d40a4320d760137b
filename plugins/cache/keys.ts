import { createHash } from 'node:crypto'

import { E } from './errors.ts'

const plain = /^[\w.:~-]{1,512}$/
const namespaceRule = /^[a-z0-9-]{1,64}$/i
const loneSurrogate = /\p{Surrogate}/u

/**
 * Where things stand in Redis. The braces put an entry and its lease into one Cluster slot; so the text between
 * them must be non-empty and hold no brace itself.
 */
export class Keys {
  readonly channel: string
  /** What all tags begin with. */
  readonly tags: string
  readonly #root: string

  constructor(prefix: string) {
    this.#root = `${prefix}cache:`
    this.tags = `${prefix}cache:#tag:`
    this.channel = `${prefix}cache-bus`
  }

  /** What all entries of a namespace begin with. */
  namespace(name: string): string {
    if (!namespaceRule.test(name)) throw E.cache_key_invalid({ key: name })
    return `${this.#root}${name}:`
  }

  tag(name: string): string {
    return `${this.tags}{${safe(name)}}`
  }
}

/** `namespace` is what {@link Keys.namespace} gives. */
export const entryKey = (namespace: string, key: string): string => `${namespace}{${safe(key)}}`
/** What {@link Keys.namespace} or {@link Keys.tags} gave. */
export const namespaceOf = (entry: string): string => entry.slice(0, entry.indexOf('{'))
export const leaseOf = (entry: string): string => `${entry}:lease`
export const isLease = (key: string): boolean => key.endsWith('}:lease')

/** Percent-encoded: no brace, space or control character. What would be long becomes its hash. */
function safe(text: string): string {
  if (plain.test(text)) return text
  if (text === '') throw E.cache_key_invalid({ key: text })
  if (loneSurrogate.test(text)) return hash(Buffer.from(text, 'utf16le'))
  const encoded = encodeURIComponent(text)
  return encoded.length > 512 ? hash(Buffer.from(text)) : encoded
}

const hash = (bytes: Buffer): string => `%${createHash('sha256').update(bytes).digest('hex')}`

import { HttpErrors } from './errors.ts'

interface Extent {
  readonly maxDepth: number
  readonly maxValues: number
}

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const opens = (byte: number) => byte === 0x7b || byte === 0x5b
const closes = (byte: number) => byte === 0x7d || byte === 0x5d

/**
 * Before parsing: JSON.parse and every schema after it recurse, and would overflow the stack; and a value costs them
 * a hundred times what its bytes cost here. Each bracket that opens has a first value, each comma has one after it;
 * an empty object counts like one with a member.
 */
export function requireModest(bytes: Uint8Array, { maxDepth, maxValues }: Extent): void {
  let depth = 0
  let values = 0
  let inText = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    if (byte === QUOTE) inText = !inText
    else if (inText) i += byte === BACKSLASH ? 1 : 0
    else if (byte === COMMA) values++
    else if (opens(byte)) {
      values++
      if (++depth > maxDepth) throw HttpErrors.json_too_deep({ max: maxDepth })
    } else if (closes(byte)) depth--
    if (values > maxValues) throw HttpErrors.json_too_many_values({ max: maxValues })
  }
}

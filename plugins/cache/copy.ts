/**
 * A copy of what JSON.parse gave, for a fraction of parsing it again: V8 copies an object of a known shape at once.
 * A member that is called `__proto__` is its own by then, and is assigned like any other.
 */
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  const copy: Record<string, unknown> = { ...value }
  for (const name in copy) {
    const member = copy[name]
    if (typeof member === 'object' && member !== null) copy[name] = copyOf(member)
  }
  return copy
}

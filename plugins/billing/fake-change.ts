import type { Json } from './json.ts'

/** Of a hash the keys that changed, of a list all of it: as Stripe writes `previous_attributes`. */
export function previousOf(before: Json, after: Json, keys: readonly string[]): Json {
  return Object.fromEntries(
    keys.map((key) => {
      const [was, is] = [before[key] ?? null, after[key]]
      if (!isHash(was) || !isHash(is)) return [key, was]
      const inner = [...new Set([...Object.keys(was), ...Object.keys(is)])]
      return [
        key,
        previousOf(
          was,
          is,
          inner.filter((one) => !equal(was[one], is[one])),
        ),
      ]
    }),
  )
}

const isHash = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

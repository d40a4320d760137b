import { record } from './json.ts'
import type { Json } from './json.ts'

/** Objects with every field that Stripe's have; what FakeStripe does not do is null, as it is for a plain account. */
export const nulls = (names: string): Record<string, null> =>
  Object.fromEntries(names.split(/\s+/).map((name) => [name, null]))

export const listOf = (url: string, data: readonly unknown[]) => ({
  object: 'list',
  data,
  has_more: false,
  url,
})

export const metadata = (params: Json) => record(params['metadata'])

export function pick(from: Json, names: readonly string[]): Json {
  return Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name]]] : [])))
}

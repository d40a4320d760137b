/** Values from the schemas of a document: such that fit, and such that do not. */
import fc from 'fast-check'

import { schemaAt, serverUrl } from '../../../plugins/docs/openapi.ts'
import type { ApiDocument, ApiSchema } from '../../../plugins/docs/openapi.ts'

/** Text that breaks what is careless: encodings, names of prototypes, other languages' quotes. */
export const strange = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\u{1F469}\u200d\u{1F680}',
  '\ud800',
  '\u202e\u0661\u0662',
  'e\u0301\u0323',
  '\u2028\u2029\ufeff',
  '\r\nX-Evil: 1',
  '__proto__',
  'constructor',
  'toString',
  "'; drop table projects; --",
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '%00%ff',
  '${7*7}{{7*7}}',
  '1e309',
  '-0',
  'null',
  'x'.repeat(20_000),
] as const

/** As it stands in a path or a query. */
export const escaped = (value: string): string =>
  encodeURIComponent(value.replaceAll(/\p{Cs}/gu, '\ufffd'))

const known = new Set([
  ...['$ref', 'type', 'description', 'default', 'const', 'enum', 'anyOf', 'format', 'pattern'],
  ...['minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'items'],
  ...['properties', 'required', 'additionalProperties', 'minProperties', 'oneOf'],
])

const moments = fc
  .date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString())

/** Throws for a keyword that it does not know: a schema that is read by halves gives values that do not fit. */
export class SchemaValues {
  readonly #document: ApiDocument
  readonly #formats: Readonly<Record<string, fc.Arbitrary<string>>>

  constructor(document: ApiDocument) {
    this.#document = document
    const ours = fc.webPath().map((path) => serverUrl(document) + path)
    const foreign = fc.webUrl({ validSchemes: ['http', 'https'] })
    this.#formats = { 'date-time': moments, uri: fc.oneof(ours, foreign) }
  }

  fitting(reference: ApiSchema): fc.Arbitrary<unknown> {
    const schema = schemaAt(this.#document, reference)
    const stranger = Object.keys(schema).find((key) => !known.has(key))
    if (stranger !== undefined) throw new Error(`no values for the keyword '${stranger}' yet`)
    if (schema.const !== undefined) return fc.constant(schema.const)
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
    const variants = schema.anyOf ?? schema.oneOf
    if (variants !== undefined) return this.#variants(schema, variants)
    const types = [schema.type ?? []].flat()
    if (types.length === 0) return fc.jsonValue({ maxDepth: 2 })
    return fc.oneof(...types.map((type) => this.#typed(type, schema)))
  }

  /** Around an object they say which of its members go together, and which not. */
  #variants(schema: ApiSchema, variants: readonly ApiSchema[]): fc.Arbitrary<unknown> {
    const { properties, required = [], anyOf: _, oneOf: __, ...rest } = schema
    if (properties === undefined) return fc.oneof(...variants.map((one) => this.fitting(one)))
    const all = new Set(variants.flatMap((one) => one.required ?? []))
    return fc.oneof(
      ...variants.map((one) => {
        const own = [...required, ...(one.required ?? [])]
        const kept = Object.entries(properties).filter(
          ([name]) => own.includes(name) || !all.has(name),
        )
        return this.fitting({ ...rest, required: own, properties: Object.fromEntries(kept) })
      }),
    )
  }

  #typed(type: string, schema: ApiSchema): fc.Arbitrary<unknown> {
    if (type === 'null') return fc.constant(null)
    if (type === 'boolean') return fc.boolean()
    if (type === 'string') return textOf(schema, this.#formats)
    if (type === 'integer') return fc.integer(boundsOf(schema))
    if (type === 'number') return fc.double({ ...boundsOf(schema), noNaN: true })
    if (type === 'array') return this.#list(schema)
    return this.#object(schema)
  }

  #list({ items = {}, minItems = 0, maxItems = minItems + 3 }: ApiSchema) {
    const maxLength = Math.min(maxItems, minItems + 3)
    return fc.array(this.fitting(items), { minLength: minItems, maxLength })
  }

  #object(schema: ApiSchema): fc.Arbitrary<unknown> {
    const { properties = {}, required = [], additionalProperties = {}, minProperties = 0 } = schema
    const named = Object.entries(properties).map(([name, value]) => [name, this.fitting(value)])
    const members = Object.fromEntries(named) as Record<string, fc.Arbitrary<unknown>>
    const fixed = fc.record(members, { requiredKeys: [...required] })
    const rest =
      typeof additionalProperties === 'object'
        ? fc.dictionary(fc.constantFrom('seed', 'x-own', 'été'), this.fitting(additionalProperties))
        : fc.constant({})
    return fc
      .tuple(rest, fixed)
      .map(([more, own]) => ({ ...more, ...own }))
      .filter((value) => Object.keys(value).length >= minProperties)
  }
}

const boundsOf = ({ minimum, maximum }: ApiSchema) => ({
  min: minimum ?? -1_000,
  max: maximum ?? Math.max(minimum ?? 0, 0) + 1_000,
})

const longest = 30_000

function textOf(
  { format, pattern, minLength = 0, maxLength = longest }: ApiSchema,
  formats: Readonly<Record<string, fc.Arbitrary<string>>>,
) {
  const isLongEnough = (text: string) => text.length >= minLength && text.length <= maxLength
  const ofFormat = formats[format ?? '']
  if (ofFormat !== undefined) return ofFormat.filter(isLongEnough)
  if (format !== undefined) throw new Error(`no values for the format '${format}' yet`)
  const free = fc.oneof(
    fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 40) }),
    fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 4) }),
    fc.constantFrom(...strange),
    fc.constant('x'.repeat(Math.min(maxLength, 300))),
  )
  if (pattern === undefined) return free.filter(isLongEnough)
  const rule = new RegExp(pattern, 'u')
  const fitting = free.filter((text) => rule.test(text) && isLongEnough(text))
  // Of a class of characters that is told by its property fast-check makes nothing.
  return pattern.includes('\\P') ? fitting : fc.stringMatching(rule).filter(isLongEnough)
}

/** Anything but what is meant. */
const wrong: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -1, 0.5, 1e21, 5e-324, 2_147_483_648, 9_007_199_254_740_992],
    ...[[], {}, [[]], { length: 1 }, [null], '2026-02-30T25:61:61Z', 'http://', 'NaN'],
  ),
  fc.constantFrom<unknown>(...strange),
  fc.jsonValue({ maxDepth: 2 }),
)

/** One of the values within, itself among them, is another, is gone, or has a stranger beside it. */
export const spoiling: fc.Arbitrary<(value: unknown) => unknown> = fc
  .record({
    at: fc.nat(),
    how: fc.constantFrom('other', 'text', 'gone', 'more'),
    other: wrong,
    name: fc.constantFrom('no-such-key', ...strange),
  })
  .map((change: Change) => (value: unknown) => changed(value, change))

interface Change {
  readonly at: number
  readonly how: 'other' | 'text' | 'gone' | 'more'
  readonly other: unknown
  readonly name: string
}

function changed(root: unknown, { at, how, other, name }: Change): unknown {
  const copy = { root: structuredClone(root) }
  const places = [...placesIn(copy)]
  const [holder, key] = places[at % places.length] ?? [copy, 'root']
  const member = Reflect.get(holder, key) as unknown
  const isHolder = typeof member === 'object' && member !== null
  if (how === 'gone' && holder !== copy) Reflect.deleteProperty(holder, key)
  else if (how === 'more' && isHolder) define(member, Array.isArray(member) ? '0' : name, other)
  else Reflect.set(holder, key, how === 'text' ? name : other)
  return copy.root
}

/** Also `__proto__`, which would be set by an assignment. */
const define = (holder: object, key: string, value: unknown) =>
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  })

function* placesIn(holder: object): Generator<readonly [object, string]> {
  for (const [key, value] of Object.entries(holder)) {
    yield [holder, key]
    if (typeof value === 'object' && value !== null) yield* placesIn(value as object)
  }
}

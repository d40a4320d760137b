/** Requests for one operation, from what the document says of it: as it wants them, and otherwise. */
import type { Buffer } from 'node:buffer'

import fc from 'fast-check'

import type { ApiParameter, Placed } from '../../../plugins/docs/openapi.ts'
import { needsToken, streams } from '../../../plugins/docs/snippets.ts'
import { odditiesOf } from './reply-oddities.ts'
import { escaped, strange } from './schema-values.ts'
import type { SchemaValues } from './schema-values.ts'

export const people = ['owner', 'owner by key', 'owner by cookie', 'other', 'nobody'] as const
export type Person = (typeof people)[number]

/** An id that is there (one of those that the person has, or that another has), or a text instead of one. */
export type ParamChoice =
  | { readonly whose: 'owner' | 'other'; readonly nth: number }
  | { readonly text: string }

export interface ReplyCase {
  readonly as: Person
  readonly params: Readonly<Record<string, ParamChoice>>
  /** `''`, or with its question mark. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: unknown
  /** Which of what there is its members name, such as a conversation; `undefined` leaves them as they are. */
  readonly names: number | undefined
  /** Instead of the body. */
  readonly bytes?: Buffer
  /** The reader leaves at the first chunk. */
  readonly leaves: boolean
  /** What is odd about it; nothing when it is as the document wants it. */
  readonly odd: readonly string[]
}

/** Half of them as the document wants them, the other half with one or two oddities. */
export function casesOf(operation: Placed, values: SchemaValues): fc.Arbitrary<ReplyCase> {
  const plain = plainCase(operation, values)
  const oddities = odditiesOf(operation)
  const odd = fc
    .tuple(plain, fc.array(fc.oneof(...oddities), { minLength: 1, maxLength: 2 }))
    .map(([one, changes]) => changes.reduce((so, change) => change(so), one))
  return fc.oneof({ weight: 1, arbitrary: plain }, { weight: 1, arbitrary: odd })
}

function plainCase(operation: Placed, values: SchemaValues): fc.Arbitrary<ReplyCase> {
  const { parameters = [], requestBody } = operation
  const media = Object.values(requestBody?.content ?? {})[0]
  const examples = operation['x-examples']
    .map(({ body }) => body)
    .filter((body) => body !== undefined)
  const fitting = rawBodies[operation.path] ?? (media?.schema && values.fitting(media.schema))
  const bodies = [
    ...(fitting === undefined ? [] : [{ weight: 3, arbitrary: fitting }]),
    ...(examples.length === 0 ? [] : [{ weight: 1, arbitrary: fc.constantFrom(...examples) }]),
    ...(requestBody?.required === true ? [] : [{ weight: 1, arbitrary: fc.constant(undefined) }]),
  ]
  return fc.record({
    as: fc.constantFrom(...peopleFor(operation)),
    params: fc.record(byName(parameters, 'path', (one) => paramOf(one, values))),
    query: queryOf(parameters, values),
    headers: acceptOf(operation),
    body: requestBody === undefined ? fc.constant(undefined) : fc.oneof(...bodies),
    names: fc.option(fc.nat(), { nil: undefined }),
    leaves: fc.integer({ min: 0, max: 5 }).map((die) => die === 0 && streams(operation)),
    odd: fc.constant([]),
  })
}

const mostly = <T>(...usual: T[]): fc.Arbitrary<T | string> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...strange) },
  )

/** Of a body that is read as bytes the document tells no more than that it is JSON. */
const rawBodies: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  '/billing/stripe-webhook': fc.record({
    id: fc.stringMatching(/^evt_[a-f]{2}$/),
    object: mostly('event', 'v2.core.event'),
    type: mostly('invoice.paid', 'customer.subscription.updated', 'a.b'),
    created: mostly<number | string>(1_795_000_000, 1_700_000_000),
    livemode: fc.boolean(),
    account: mostly('acct_1'),
    api_version: mostly<string | null>(null, '2026-01-28'),
    data: fc.record({
      object: fc.record({
        id: mostly('sub_1', 'in_1'),
        object: mostly('subscription', 'invoice'),
        customer: mostly<string | null>('cus_1', null),
      }),
    }),
  }),
}

const peopleFor = (operation: Placed): readonly Person[] => [
  ...(['owner', 'owner', 'owner', 'owner by key', 'owner by cookie', 'other'] as const),
  ...(needsToken(operation) ? [] : (['nobody'] as const)),
]

function byName<T>(
  parameters: readonly ApiParameter[],
  place: ApiParameter['in'],
  make: (parameter: ApiParameter) => T,
): Record<string, T> {
  const found = parameters.filter((one) => one.in === place)
  return Object.fromEntries(found.map((one) => [one.name, make(one)]))
}

const paramOf = ({ schema = {} }: ApiParameter, values: SchemaValues): fc.Arbitrary<ParamChoice> =>
  fc.oneof(
    { weight: 6, arbitrary: there('owner') },
    { weight: 2, arbitrary: there('other') },
    {
      weight: 1,
      arbitrary: values.fitting(schema).map((value) => ({ text: escaped(String(value)) })),
    },
  )

const there = (whose: 'owner' | 'other') => fc.record({ whose: fc.constant(whose), nth: fc.nat() })

function queryOf(parameters: readonly ApiParameter[], values: SchemaValues): fc.Arbitrary<string> {
  const named = byName(parameters, 'query', ({ schema = {} }) => values.fitting(schema))
  return fc.record(named, { requiredKeys: [] }).map((query) => {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${escaped(String(value))}`)
    return pairs.length === 0 ? '' : `?${pairs.join('&')}`
  })
}

function acceptOf({ responses }: Placed): fc.Arbitrary<Record<string, string>> {
  const good = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  const types = good.flatMap(([, { content = {} }]) => Object.keys(content))
  const accepted = types.map((accept) => ({ accept }))
  return fc.constantFrom<Record<string, string>>({}, { accept: '*/*' }, ...accepted)
}

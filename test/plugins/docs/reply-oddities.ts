/** What else a client may send than what the document wants, one oddity at a time. */
import { Buffer } from 'node:buffer'

import fc from 'fast-check'

import type { Placed } from '../../../plugins/docs/openapi.ts'
import { needsToken } from '../../../plugins/docs/snippets.ts'
import type { ReplyCase } from './reply-cases.ts'
import { escaped, spoiling, strange } from './schema-values.ts'

export type Change = (one: ReplyCase) => ReplyCase

const text = fc.oneof(fc.constantFrom(...strange), fc.string({ unit: 'grapheme', maxLength: 30 }))

export const odditiesOf = (operation: Placed): readonly fc.Arbitrary<Change>[] => [
  headerOddity,
  queryOddity(operation),
  ...(operation.method === 'GET' ? [validator] : []),
  ...(needsToken(operation) ? [credentialOddity] : []),
  ...(/\{/.test(operation.path) ? [paramOddity] : []),
  ...(operation.requestBody === undefined ? [uninvitedBody] : bodyOddities),
]

const named =
  (name: string, change: (one: ReplyCase) => Partial<ReplyCase>): Change =>
  (one) => ({ ...one, ...change(one), odd: [...one.odd, name] })

const withHeaders = (name: string, headers: Readonly<Record<string, string>>): Change =>
  named(name, (one) => ({ headers: { ...one.headers, ...headers } }))

/** What a header may hold: printable Latin-1. */
const headerText = text.map((value) =>
  value.replaceAll(/[^ -~\u00a0-\u00ff]/g, '\u00e9').slice(0, 300),
)

const headerValues: Readonly<Record<string, readonly string[]>> = {
  'if-none-match': ['*', '"*"', 'W/"a", "b"', 'W/', ', ,', '"'],
  'if-modified-since': ['Thu, 01 Jan 2026 00:00:00 GMT', 'yesterday'],
  'if-match': ['*', '"a"'],
  'idempotency-key': ['8e03978e-40d5-43dd-bc93-6894a57f9324', '', 'x'.repeat(2_000)],
  accept: ['text/html', 'application/xml', 'image/*', 'text/event-stream;q=0', 'a/b/c', ';;;', ''],
  'accept-encoding': ['gzip, br', 'identity;q=0'],
  'accept-language': ['de-CH;q=0.1', '*'],
  'content-encoding': ['identity', 'gzip', 'br, gzip'],
  cookie: ['sid=x', '__Host-sid=%00; sid=a.b', 'a', `sid=${'y'.repeat(3_000)}`],
  expect: ['100-continue', '200-maybe'],
  'last-event-id': ['3', '-1', '99999999999', 'x'],
  origin: ['https://evil.example', 'null', ''],
  'sec-fetch-site': ['cross-site', 'same-origin'],
  prefer: ['return=minimal, respond-async'],
  range: ['bytes=0-1'],
  'stripe-signature': ['', 't=1,v1=00', 't=,v1=', `t=1,v1=${'0'.repeat(64)}`],
  'x-forwarded-for': ['1.2.3.4, 5.6.7.8', 'x'],
  'x-request-id': ['12345678', '../..', 'x'.repeat(200)],
  'x-http-method-override': ['DELETE'],
}

const headerOddity: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(
        ...Object.entries(headerValues).flatMap(([n, all]) => all.map((v) => [n, v] as const)),
      )
      .map(([name, value]) => withHeaders(`${name}: ${value.slice(0, 40)}`, { [name]: value })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...Object.keys(headerValues), 'x-anything'), headerText)
      .filter(([name]) => name !== 'expect')
      .map(([name, value]) => withHeaders(`a strange ${name}`, { [name]: value })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      withHeaders('a huge header', { 'x-huge': 'h'.repeat(20_000) }),
      withHeaders(
        'too many headers',
        Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`x-${at}`, '1'])),
      ),
    ),
  },
)

const validator = fc.constant(
  withHeaders('the validator that it has', { 'if-none-match': '<its own>' }),
)

const bearers = [
  '',
  'x',
  'a.b.c',
  'ado_0000',
  'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.',
  '\u00e9',
]
const credentialOddity = fc.oneof(
  fc.constant(named('no credential', () => ({ as: 'nobody' }))),
  fc
    .constantFrom(
      ...bearers.map((bearer) => `Bearer ${bearer}`),
      ...['Basic YTpi', 'bearer', 'Bearer  a b', ', ,', 'Bearer <tampered>'],
    )
    .map((authorization) => withHeaders(`authorization: ${authorization}`, { authorization })),
)

const paramOddity = fc
  .tuple(
    fc.nat(),
    fc.oneof(text.map(escaped), fc.constantFrom('%', '%zz', '%c0%80', '%2e%2e', 'a/b')),
  )
  // Nothing at all is the path of another operation.
  .filter(([, raw]) => raw !== '')
  .map(([nth, raw]) =>
    named(`a strange parameter: ${raw.slice(0, 60)}`, ({ params }) => {
      const names = Object.keys(params)
      return { params: { ...params, [names[nth % names.length] ?? '']: { text: raw } } }
    }),
  )

function queryOddity({ parameters = [] }: Placed): fc.Arbitrary<Change> {
  const names = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
  const name = fc.oneof(
    fc.constantFrom(...names, ...names, 'no-such', '__proto__'),
    text.map(escaped),
  )
  const pair = fc.tuple(name, text.map(escaped)).map(([key, value]) => `${key}=${value}`)
  const raw = fc.constantFrom(
    '%',
    'a=%zz',
    '=',
    '&&&',
    '?',
    'limit=1&limit=2',
    'limit=01',
    'x'.repeat(9_000),
  )
  const long = fc.constant(Array.from({ length: 60 }, (_, at) => `q${at}=1`).join('&'))
  return fc
    .oneof(
      { weight: 4, arbitrary: pair },
      { weight: 2, arbitrary: raw },
      { weight: 1, arbitrary: long },
    )
    .map((query) => named(`the query ${query.slice(0, 60)}`, () => ({ query: `?${query}` })))
}

const uninvitedBody = fc.constantFrom(
  named('a body that nobody asked for', () => ({ body: { uninvited: true } })),
)

const jsonOf = (value: unknown): string => JSON.stringify(value) ?? ''
const mediaTypes = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'json',
  '',
  'application/json; charset=latin1',
  'application/merge-patch+json',
]

const rawBodies: Readonly<Record<string, (json: string) => string | Buffer>> = {
  'half a body': (json) => json.slice(0, json.length / 2),
  'two bodies': (json) => json + json,
  'no body at all': () => '',
  'only a space': () => ' ',
  'a BOM before the body': (json) => `\ufeff${json}`,
  'bytes that are no UTF-8': () => Buffer.from('7b2261223a22ff227d', 'hex'),
  'a body in UTF-16': (json) => Buffer.from(json, 'utf16le'),
  'a body without bounds': () => '['.repeat(5_000),
  'a name twice': (json) => json.replace(/^\{/, '{"query":1,"name":2,'),
  'a prototype': (json) => json.replace(/^\{/, '{"__proto__":{"a":1},'),
  'a constructor': (json) => json.replace(/^\{/, '{"constructor":{"prototype":{}},'),
  'a number without end': (json) => json.replace(/:[^,}]*/, `:${'9'.repeat(400)}`),
  comments: (json) => `/* a */ ${json}`,
  'a body that is too large': (json) => json + ' '.repeat(1_100_000),
}

const withBytes = (name: string, bytes: (json: string) => string | Buffer): Change =>
  named(name, ({ body }) => ({ bytes: Buffer.from(bytes(jsonOf(body))) }))

const bodyOddities: readonly fc.Arbitrary<Change>[] = [
  ...[1, 2, 3].map(() =>
    spoiling.map((spoil) => named('a spoiled body', ({ body }) => ({ body: spoil(body) }))),
  ),
  fc.constantFrom(...Object.entries(rawBodies).map(([name, bytes]) => withBytes(name, bytes))),
  fc
    .constantFrom(...mediaTypes)
    .map((type) => withHeaders(`content-type: ${type}`, { 'content-type': type })),
]

/** A body that is not JSON: where it stops being JSON, and what is wrong there. */
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { jsonFault } from '../../core/http/json-fault.ts'
import { json, posting, serve } from './http-fixture.ts'

const table: readonly (readonly [text: string, told: string])[] = [
  ['{"a":', 'Line 1, column 6: expected a value, found the end.'],
  ['{"a":1,}', `Line 1, column 8: expected a key in double quotes, found '}'.`],
  ["{'a':1}", 'Line 1, column 2: expected a key in double quotes or "}", found a single quote.'],
  ['{"a" 1}', 'Line 1, column 6: expected ":", found something else.'],
  ['{"a":NaN}', 'Line 1, column 6: expected a value, found something else.'],
  ['{\n  "a": 1\n  "b": 2\n}', `Line 3, column 3: expected "," or "}", found '"'.`],
  ['[1, 2}', `Line 1, column 6: expected "," or "]", found '}'.`],
  ['[1, 2,]', `Line 1, column 7: expected a value, found ']'.`],
  ['[,1]', `Line 1, column 2: expected a value or "]", found ','.`],
  ['{} {}', `Line 1, column 4: expected nothing more, found '{'.`],
  ['{}//', 'Line 1, column 3: expected nothing more, found something else.'],
  ['[01]', 'Line 1, column 3: expected "," or "]", found something else.'],
  [
    '["a\nb"]',
    'Line 1, column 4: expected an escape such as \\n, or a closing quote, found a line break.',
  ],
  ['["a', 'Line 1, column 4: expected a closing quote, found the end.'],
  ['["\\x41"]', 'Line 1, column 3: expected a valid escape, found a backslash.'],
  ['["\\u00e"]', 'Line 1, column 3: expected a valid escape, found a backslash.'],
  ['\n\n}', `Line 3, column 1: expected a value, found '}'.`],
]

for (const [text, told] of table)
  test(`of ${JSON.stringify(text)} it is told where and what`, () => {
    assert.throws(() => JSON.parse(text))
    assert.is(jsonFault(text), told)
  })

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
const isTold = (text: string) => !jsonFault(text).endsWith('expected nothing more, found the end.')

/** Valid, on several lines. */
const texts = fc.jsonValue({ depthSize: 'medium' }).map((value) => JSON.stringify(value, null, 1))
const spot = fc.double({ min: 0, max: 1, noNaN: true })
const stray = fc.constantFrom('', '"', '\\', '{', '}', ']', ',', ':', '0', '-', 'e', '.', '\n', 'x')

test('there is a fault exactly when JSON.parse refuses, whatever is put into a text or taken out', () => {
  const changed = fc.tuple(texts, spot, stray, fc.nat(2)).map(([text, share, put, taken]) => {
    const at = Math.floor(share * text.length)
    return text.slice(0, at) + put + text.slice(at + taken)
  })
  fc.assert(
    fc.property(changed, (text) => assert.is(isTold(text), !parses(text))),
    { numRuns: 2_000 },
  )
})

const offsetIn = (text: string, told: string): number => {
  const [, line = '', column = ''] = /^Line (\d+), column (\d+):/.exec(told) ?? []
  const before = text.split('\n').slice(0, Number(line) - 1)
  return before.join('\n').length + (before.length > 0 ? 1 : 0) + Number(column) - 1
}

test('the fault is where the text breaks off, or where the token begins that is broken', () => {
  fc.assert(
    fc.property(texts, spot, (text, share) => {
      const end = Math.floor(share * text.length)
      const broken = `${text.slice(0, end)}\u0001`
      const at = offsetIn(broken, jsonFault(broken))
      assert.match(broken.slice(at, end), /^[-+.\w\\]*$/)
      assert.ok(at <= end)
    }),
    { numRuns: 1_000 },
  )
})

test('the reply tells it, and nothing of what was sent', async () => {
  const routes = [posting(() => assert.unreachable())]
  const { fetch } = await serve({ routes })
  const headers = { 'content-type': 'application/json' }
  const reply = await fetch('/', { method: 'POST', headers, body: '{"password":hunter2}' })
  const told = await json(reply)

  assert.is(reply.status, 400)
  assert.is(told['code'], 'invalid_json')
  assert.is(told['detail'], 'Line 1, column 13: expected a value, found something else.')
  assert.not.match(JSON.stringify(told), /hunter|password/)
})

test.run()

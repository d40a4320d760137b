import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { ModelFailure } from '../../../plugins/llm-chat/failure.ts'
import { SseScanner } from '../../../plugins/llm-chat/sse.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const scan = (pieces: readonly Uint8Array[]) => {
  const scanner = new SseScanner()
  return pieces.flatMap((piece) => scanner.push(piece))
}

const dataOf = (text: string) => scan([Buffer.from(text)]).map(({ data }) => data)

test('an event is found wherever its bytes were cut', () => {
  const texts = fc.array(
    fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => JSON.stringify(text)),
  )
  const ends = fc.constantFrom('\n', '\r\n', '\r')
  fc.assert(
    fc.property(texts, ends, fc.array(fc.nat()), (datas, end, cuts) => {
      const bytes = Buffer.from(datas.map((data) => `data: ${data}${end}${end}`).join('') + end)
      const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted(
        (a, b) => a - b,
      )
      const pieces = [0, ...places].map((from, index) => bytes.subarray(from, places[index]))

      const found = scan(pieces)

      assert.equal(
        found.map(({ data }) => data),
        datas,
      )
    }),
  )
})

test('comments, unknown fields and events without data are dropped', () => {
  assert.equal(dataOf(': hb\n\nid: 3\nretry: 1\n\nevent: ping\n\ndata: x\n\n'), ['x'])
})

test('several data lines are one text, and the space after the colon is not part of it', () => {
  assert.equal(dataOf('data:a\ndata: b\ndata\n\n'), ['a\nb\n'])
})

test('a byte order mark at the very beginning is skipped', () => {
  assert.equal(dataOf('\uFEFFdata: x\n\n'), ['x'])
})

test('the name of an event is read', () => {
  assert.equal(scan([Buffer.from('event: error\ndata: {}\n\n')]), [{ event: 'error', data: '{}' }])
})

test('half an event does not keep what came before it', () => {
  const batch = `data: ${'x'.repeat(65_536)}\n\ndata: and the next begins`
  const scanners = Array.from({ length: 300 }, () => new SseScanner())
  collect()
  const before = process.memoryUsage().heapUsed

  for (const scanner of scanners) scanner.push(Buffer.from(batch))
  collect()
  const each = (process.memoryUsage().heapUsed - before) / scanners.length

  assert.ok(each < 16_384, `${each} bytes for each scanner`)
  assert.equal(scanners[0]?.push(Buffer.from('\n\n')), [
    { event: 'message', data: 'and the next begins' },
  ])
})

test('an event over a mebibyte is a failure, in one piece or in many', () => {
  const piece = Buffer.from(`data: ${'x'.repeat(65_536)}`)
  const huge = Buffer.from(`data: ${'x'.repeat(1_200_000)}`)

  assert.throws(() => scan(Array.from({ length: 20 }, () => piece)), isBad)
  assert.throws(() => scan([huge, Buffer.from('\n'), huge]), isBad)
})

test('an event that comes byte by byte takes time by its length, not by its square', () => {
  const begun = process.cpuUsage()
  const scanner = new SseScanner()
  const byte = Buffer.from('x')
  scanner.push(Buffer.from('data: '))
  for (let count = 0; count < 200_000; count += 1) scanner.push(byte)

  const [event] = scanner.push(Buffer.from('\n\n'))

  assert.is(event?.data.length, 200_000)
  const { user } = process.cpuUsage(begun)
  assert.ok(user < 2_000_000, `${user} µs`)
})

const isBad = (error: unknown) => error instanceof ModelFailure && error.kind === 'bad_response'

test.run()

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Frames } from '../../../plugins/database/frames.ts'

const first = (code: number, body = ''): Buffer => {
  const bytes = Buffer.alloc(8 + body.length)
  bytes.writeInt32BE(bytes.length)
  bytes.writeInt32BE(code, 4)
  bytes.write(body, 8)
  return bytes
}
const message = (type: string, body = ''): Buffer => {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.write(type)
  bytes.writeInt32BE(bytes.length - 1, 1)
  bytes.write(body, 5)
  return bytes
}
const startup = first(196_608, 'user\0postgres\0\0')
const round = Buffer.concat(['P', 'B', 'D', 'E', 'S'].map((type) => message(type, 'x')))

test('a whole round comes as one, however it was cut on the way', () => {
  const sent = Buffer.concat([startup, round, message('Q', 'select 1\0')])

  for (let size = 1; size <= sent.length; size++) {
    const frames = new Frames()
    const runs: Buffer[] = []
    for (let at = 0; at < sent.length; at += size) {
      for (const frame of frames.push(sent.subarray(at, at + size))) {
        if (frame.kind === 'run') runs.push(Buffer.from(frame.bytes))
      }
    }
    assert.equal(runs, [startup, round, message('Q', 'select 1\0')])
  }
})

test('a request for TLS or to cancel is known before the start', () => {
  const kinds = new Frames()
    .push(Buffer.concat([first(80_877_103), first(80_877_102)]))
    .map(({ kind }) => kind)

  assert.equal(kinds, ['tls', 'cancel'])
})

test('the farewell ends the connection', () => {
  const kinds = new Frames().push(Buffer.concat([startup, message('X')])).map(({ kind }) => kind)

  assert.equal(kinds, ['run', 'end'])
})

test('what is no Postgres client is refused', () => {
  assert.throws(() => new Frames().push(Buffer.from('GET / HTTP/1.1\r\n\r\n')), /bytes/)
})

test.run()

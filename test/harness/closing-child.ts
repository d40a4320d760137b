/** Tests that fail with servers open, and say what was closed. */
import { createServer } from 'node:http'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { closedAfterwards } from './closing.ts'

/** It keeps the process alive until it is closed. */
async function listening(name: string): Promise<void> {
  const server = closedAfterwards(createServer(), (opened) => {
    console.log(`closed ${name}`)
    opened.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}

test.before(() => listening('of the file'))

test('fails with two open', async () => {
  await listening('one')
  await listening('two')
  assert.unreachable()
})

test('fails with what cannot be closed', () => {
  closedAfterwards(undefined, () => {
    throw new Error('will not close')
  })
})

test('comes last', () => console.log('last test'))

test.run()

/** The bytes of an upstream's reply, from a real socket. */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import {
  upstreamAgent,
  upstreamFetch,
  UpstreamResponse,
} from '../../../plugins/llm-chat/upstream-fetch.ts'

const MiB = 1024 * 1024
const total = 96 * MiB
const piece = Buffer.alloc(MiB / 4, 'a')
let sent = 0
let closed = 0

/** As fast as its reader takes it. */
function pour(response: ServerResponse): void {
  while (sent < total) {
    sent += piece.length
    if (!response.write(piece)) return void response.once('drain', () => pour(response))
  }
  response.end()
}

const server = createServer((_request, response) => {
  response.on('close', () => (closed += 1))
  pour(response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const agent = upstreamAgent(1_000)

async function asked(): Promise<UpstreamResponse['source']> {
  sent = 0
  const port = (server.address() as AddressInfo).port
  const response = await upstreamFetch(agent)(`http://127.0.0.1:${port}/`)
  assert.instance(response, UpstreamResponse)
  return (response as UpstreamResponse).source
}

/** Until the sockets' buffers are full and nothing moves any more. */
async function untilItStands(): Promise<number> {
  for (let before = -1; before !== sent; await sleep(200)) before = sent
  return sent
}

test('an upstream pauses while nobody reads, and goes on to its last byte when somebody does', async () => {
  const source = await asked()
  const unread = await untilItStands()

  assert.ok(unread < total / 2, `${unread / MiB} MiB were taken in for nobody`)

  let read = 0
  for await (const bytes of source) read += bytes.length

  assert.is(read, total)
})

test('who stops reading closes the upstream’s socket', async () => {
  const before = closed
  for await (const bytes of await asked()) {
    assert.ok(bytes.length > 0)
    break
  }
  for (let tries = 0; tries < 50 && closed === before; tries += 1) await sleep(20)

  assert.is(closed, before + 1)
})

test('everything ends', async () => {
  await agent.destroy()
  server.closeAllConnections()
  server.close()
})

test.run()

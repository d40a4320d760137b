import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { formats, requestOf } from '../plugins/llm-chat/fault-matrix.ts'
import type { Format } from '../plugins/llm-chat/fault-matrix.ts'
import { rounds } from '../plugins/llm-chat/server.ts'
import { FaultUpstream, wish } from '../plugins/llm-chat/upstream.ts'
import { startServing } from './chat-stalled-server.ts'

const readers = rounds(30)
/** Many need time to begin: until all of them stand still none may be gone. */
const slowClientMs = Math.max(8_000, readers * 200)
const tokenBytes = 16_384

const upstream = await new FaultUpstream().start()
const { url, child, keptBytes } = await startServing({
  baseUrl: upstream.url,
  model: 'm',
  // A busy machine may keep the model from writing for a second: that is no stalled reader.
  timeouts: { slowClient: `${slowClientMs}ms`, idle: '4s', total: '10m' },
  resume: { grace: '1s', keep: '1m' },
})
const port = Number(new URL(url).port)
test.after(async () => {
  child.kill('SIGKILL')
  await upstream.stop()
})

const endless = wish({ tokens: 1_000_000_000, tokenBytes })

/** Asks, and takes no more than the first bytes of an answer that never ends. */
async function stall(format: Format): Promise<net.Socket> {
  const { path, body, accept } = requestOf(format, endless)
  const json = JSON.stringify(body)
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    [
      `POST ${path} HTTP/1.1`,
      'Host: localhost',
      'Authorization: Bearer alice',
      'Content-Type: application/json',
      `Accept: ${accept}`,
      `Content-Length: ${json.length}`,
      '',
      json,
    ].join('\r\n'),
  )
  await once(socket, 'readable')
  return socket
}

const sentBytes = () => upstream.seen.reduce((sum, { sent }) => sum + sent * tokenBytes, 0)

/** Of the server, in bytes; it is Linux that says it. */
async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

const usage = async () => {
  const headers = { authorization: 'Bearer alice' }
  const reply = await fetch(`${url}/chat/usage`, { headers })
  return (await reply.json()) as { inFlight: number; reserved: number }
}

async function until(isTrue: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  const late = performance.now() + ms
  while (performance.now() < late) {
    if (await isTrue()) return true
    await sleep(50)
  }
  return false
}

/** Next to nothing for half a second: a kernel short of memory for sockets lets some bytes through at a time. */
async function standsStill(): Promise<boolean> {
  const before = sentBytes()
  await sleep(500)
  return sentBytes() - before < (readers * tokenBytes) / 4
}

const others = formats.filter((format) => format !== 'kept')
const begin = (index: number) => stall(others[index % others.length] ?? 'text')

test('readers that take nothing pause the model, cost little memory, and are let go', async () => {
  // The first ones make a process as large as its garbage is.
  const warm = await Promise.all(Array.from({ length: 10 }, (_, index) => begin(index)))
  await until(standsStill, slowClientMs)
  for (const socket of warm) socket.destroy()
  await until(() => upstream.active === 0, 10_000)
  const [before, residentBefore] = [await keptBytes(), await residentBytes()]
  const sentBefore = sentBytes()
  const sockets: net.Socket[] = []
  const begunAt = performance.now()
  for (let begun = 0; begun < readers; begun += 10)
    sockets.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(10, readers - begun) }, (_, index) => begin(begun + index)),
      )),
    )
  const isStill = await until(standsStill, slowClientMs)
  const held = upstream.active
  const heldMs = performance.now() - begunAt
  const each = ((await keptBytes()) - before) / readers
  const residentEach = ((await residentBytes()) - residentBefore) / readers
  const begun = performance.now()
  const well = await fetch(`${url}/chat`, {
    method: 'POST',
    headers: { authorization: 'Bearer bob', 'content-type': 'application/json' },
    body: JSON.stringify({ query: wish({ tokens: 5 }) }),
  })
  const wellMs = performance.now() - begun
  const isFree = await until(() => upstream.active === 0, 2 * slowClientMs + 10_000)
  const after = await usage()
  for (const socket of sockets) socket.destroy()
  const leftEach = ((await keptBytes()) - before) / readers
  console.log(
    `${readers} stalled readers: ${Math.round(each / 1_024)} KiB kept for each, ${Math.round(leftEach / 1_024)} after it was let go, ${Math.round(residentEach / 1_024)} KiB of the process, ${Math.round((sentBytes() - sentBefore) / readers / 1_024)} KiB written to each; somebody else waited ${Math.round(wellMs)} ms`,
  )

  assert.ok(isStill, 'the model goes on for readers that take nothing')
  // A thousand take minutes to begin on a busy machine, and the first of them have had their time then.
  assert.ok(held >= (heldMs < slowClientMs ? 1 : 0.9) * readers, `${held} are held`)
  // Seen: 130 KiB on Node, 170 on Deno.
  assert.ok(each < 262_144, `${each} bytes for each reader`)
  assert.ok(leftEach < 65_536, `${leftEach} bytes for each reader that was let go`)
  assert.is(well.status, 200)
  assert.ok(isFree, `${upstream.active} are still held`)
  assert.equal([after.inFlight, after.reserved], [0, 0])
})

test('a kept answer that nobody takes ends at the bytes that it may have', async () => {
  const socket = await stall('kept')
  const [, id = ''] = /^x-stream-id: (\S+)/im.exec(String(socket.read())) ?? []

  const headers = { authorization: 'Bearer alice' }
  const kept = await (await fetch(`${url}/chat/streams/${id}`, { headers })).text()

  assert.match(kept.slice(-500), /answer_too_large/)
  assert.ok(kept.length < 1_048_576 + 32 * tokenBytes, String(kept.length))
  assert.ok(await until(() => upstream.active === 0, 5_000))
  socket.destroy()
})

test.run()

/** A real nginx in front, as it comes: it asks over HTTP/1.0, buffers replies, and waits so long and no longer. */
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { binary } from '../harness/binaries.ts'
import { adopt, adoptFolder, end } from '../harness/ending.ts'
import { listening, sparePort } from '../harness/ports.ts'
import { skip } from '../harness/skip.ts'
import { serve } from '../plugins/llm-chat/server.ts'
import { answerOf, FaultUpstream, wish } from '../plugins/llm-chat/upstream.ts'

const program = binary('nginx') ?? skip('an nginx', 'apt-get install nginx-light')
const readTimeoutMs = 2_000

const upstream = await new FaultUpstream().start()
const app = await serve({
  baseUrl: upstream.url,
  model: 'm',
  timeouts: { headers: '300ms', heartbeat: '300ms' },
})
const proxy = await startProxy(new URL(app.url).port)
test.after(async () => {
  await proxy.stop()
  await app.stop()
  await upstream.stop()
})

async function startProxy(port: string) {
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-nginx-')))
  const own = await sparePort()
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const file = join(home, 'nginx.conf')
  writeFileSync(
    file,
    `
daemon off;
pid ${home}/pid;
error_log stderr crit;
events {}
http {
  access_log off;
  ${folders.map((name) => `${name}_temp_path ${home}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${own};
    location / { proxy_pass http://127.0.0.1:${port}; proxy_read_timeout ${readTimeoutMs}ms; }
  }
}
`,
  )
  const child = adopt(spawn(program, ['-c', file, '-p', home], { stdio: 'ignore' }))
  assert.ok(await listening(own, () => child.exitCode === null), 'nginx starts')
  return { url: `http://127.0.0.1:${own}`, stop: () => end(child, 'SIGTERM') }
}

interface Heard {
  readonly text: string
  readonly isWhole: boolean
  /** When each piece came, in ms after the first. */
  readonly times: readonly number[]
}

const ask = (query: string, accept: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${proxy.url}/chat/stream`, {
    method: 'POST',
    headers: { authorization: 'Bearer alice', 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
    ...(signal === undefined ? {} : { signal }),
  })

async function hear(query: string, accept: string): Promise<Heard> {
  const response = await ask(query, accept)
  assert.is(response.status, 200)
  const decoder = new TextDecoder()
  const times: number[] = []
  let text = ''
  try {
    for await (const piece of response.body ?? []) {
      times.push(performance.now())
      text += decoder.decode(piece, { stream: true })
    }
    return { text, isWhole: true, times }
  } catch {
    return { text, isWhole: false, times }
  }
}

const formats = ['text/plain', 'text/event-stream'] as const

for (const accept of formats)
  test(`${accept} comes word by word`, async () => {
    const { text, isWhole, times } = await hear(wish({ tokens: 10, delayMs: 100 }), accept)

    assert.ok(isWhole)
    assert.ok(times.length >= 5, `it came in ${times.length} pieces`)
    assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) > 500, 'it came at once')
    if (accept === 'text/plain') assert.is(text, answerOf(10))
    else assert.is(text.match(/^event: done$/gm)?.length, 1)
  })

test('a broken answer in text/plain is broken behind nginx too', async () => {
  const query = wish({ tokens: 6, at: 3, delayMs: 20, fault: 'reset' })
  const { text, isWhole } = await hear(query, 'text/plain')

  assert.not(isWhole, text)
  assert.ok(answerOf(6).startsWith(text))
})

test('a broken answer as events ends with its error', async () => {
  const query = wish({ tokens: 6, at: 3, delayMs: 20, fault: 'reset' })
  const { text, isWhole } = await hear(query, 'text/event-stream')

  assert.ok(isWhole)
  assert.is(text.match(/^event: error$/gm)?.length, 1)
})

test('heartbeats keep a silent model from the read timeout of nginx', async () => {
  const delayMs = 2 * readTimeoutMs
  const { text, isWhole } = await hear(wish({ tokens: 1, delayMs }), 'text/event-stream')

  assert.ok(isWhole)
  assert.match(text, /^:/m)
  assert.is(text.match(/^event: done$/gm)?.length, 1)
})

for (const accept of formats)
  test(`a client of ${accept} that leaves nginx ends the model’s work`, async () => {
    const before = upstream.seen.length
    const leaving = new AbortController()
    const response = await ask(wish({ tokens: 1_000, delayMs: 20 }), accept, leaving.signal)
    await response.body?.getReader().read()
    const leftAt = performance.now()
    leaving.abort()
    const asked = upstream.seen[before]
    while (asked?.abortedAt === undefined && performance.now() - leftAt < 5_000) await sleep(5)

    assert.ok(asked?.abortedAt !== undefined, 'the model still writes')
  })

test.run()

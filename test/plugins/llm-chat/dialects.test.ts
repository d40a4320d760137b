/** What is no fault, though OpenAI itself does not say it so: other servers of that protocol do. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { parseChunk } from '../../../plugins/llm-chat/chunk.ts'
import { ChatEvents } from '../../../plugins/llm-chat/contract.ts'
import { plainText } from '../../../plugins/llm-chat/encodings.ts'
import { until } from '../../harness/until.ts'
import { alice, eventsIn, post, sse, start } from './routes-fixture.ts'
import type { App } from './routes-fixture.ts'

type Write = (text: string | Buffer) => Promise<void>
interface Dialect {
  readonly headers?: Readonly<Record<string, string>>
  readonly write: (write: Write) => Promise<void> | void
}

let spoken: Dialect = { write: () => undefined }
/** What the model was asked last. */
let asked: Readonly<Record<string, unknown>> = {}
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...spoken.headers })
  const write: Write = (text) => new Promise((resolve) => response.write(text, () => resolve()))
  void (async () => {
    asked = (await json(request)) as typeof asked
    await spoken.write(write)
    response.end()
  })()
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
test.after(() => {
  server.closeAllConnections()
  server.close()
})

const chunk = (delta: object, finish: string | null = null, index = 0) =>
  JSON.stringify({ choices: [{ index, delta, finish_reason: finish }] })
const events = (...datas: readonly string[]) => datas.map((data) => `data: ${data}\n\n`).join('')
const end = events(chunk({}, 'stop'), '[DONE]')

const served = (dialect: Dialect, config: object = {}) => {
  spoken = dialect
  return start({ baseUrl, model: 'm', ...config })
}
/** All at once. */
const saying = (text: string) => served({ write: (write) => write(text) })

const question = { messages: [{ role: 'user', content: 'x' }] }
const openAi = (app: App, more: object = {}) =>
  post(app, '/v1/chat/completions', { ...question, stream: true, ...more })
/** As its clients read it. */
const chunksIn = (text: string) =>
  [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as unknown)
const plain = async (app: App) => (await post(app, '/chat/stream', { query: 'x' })).text
const codeOf = (text: string) => (JSON.parse(text) as { code: string }).code

test('a chunk on several lines goes out on one', async () => {
  const lines = events(chunk({ content: 'a b' })).replaceAll(',', ',\ndata: ')
  const app = await saying(lines + end)

  const { text } = await openAi(app)

  assert.equal(chunksIn(text), [
    JSON.parse(chunk({ content: 'a b' })),
    JSON.parse(chunk({}, 'stop')),
  ])
  assert.is(await plain(app), 'a b')
})

test('a ping is a heartbeat, whatever it holds', async () => {
  const app = await saying(
    `event: ping\ndata: {}\n\nevent: ping\ndata: x\n\n${events(chunk({ content: 'a' }))}${end}`,
  )

  assert.is(chunksIn((await openAi(app)).text).length, 2)
  assert.is(await plain(app), 'a')
})

test('choices may be absent or null', async () => {
  const app = await saying(events('{"choices":null}', '{}', chunk({ content: 'a' })) + end)

  assert.is(await plain(app), 'a')
})

for (const usage of [
  { prompt_tokens: null, completion_tokens: 3 },
  { prompt_tokens: 1.5, completion_tokens: 3.7 },
  { prompt_tokens: -5, completion_tokens: 1e30 },
  'many',
])
  test(`a usage of ${JSON.stringify(usage)} is not counted, and takes no answer away`, async () => {
    const app = await saying(
      events(chunk({ content: 'four' }), JSON.stringify({ choices: [], usage })) + end,
    )

    const answer = await post(app, '/chat', { query: 'x' })
    const used = (await app.inject({ url: '/chat/usage', as: alice })).json()

    assert.is(answer.status, 200)
    assert.equal((answer.json() as { usage: object }).usage, {
      inputTokens: 5,
      outputTokens: 1,
      estimated: true,
    })
    assert.is((used as { used: number }).used, 6)
  })

test('of content in parts the texts are the answer, and all of it passes through', async () => {
  const content = [
    { type: 'thinking', thinking: ['hm'] },
    { type: 'text', text: 'a' },
  ]
  const app = await saying(events(chunk({ content })) + end)

  assert.is(await plain(app), 'a')
  assert.equal(chunksIn((await openAi(app)).text)[0], JSON.parse(chunk({ content })))
})

for (const field of ['reasoning_content', 'reasoning', 'refusal'])
  test(`${field} is a token: not waited out, and paid for`, async () => {
    let goOn = () => {}
    const isRead = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const app = await served({
      write: async (write) => {
        await write(events(chunk({ [field]: 'x'.repeat(400) })))
        await isRead
        await write(events(chunk({ content: 'a' })) + end)
      },
    })
    const begun = app.heard(ChatEvents, 'llm-chat:first-token-received')
    const reading = post(app, '/chat/stream', { query: 'x' }, sse)
    await until(() => begun.length > 0).finally(goOn)
    const { text } = await reading
    const told = eventsIn(text).map(({ data }) => data)

    assert.equal(told.slice(1, 3), [
      { text: 'a' },
      { inputTokens: 5, outputTokens: 101, estimated: true },
    ])
  })

test('the ends of several answers may come in one chunk', async () => {
  const both = (finish: string | null) =>
    JSON.stringify({
      choices: [0, 1].map((index) => ({ index, delta: { content: 'a' }, finish_reason: finish })),
    })
  const whole = await saying(events(both(null), both('stop'), '[DONE]'))
  const two = await openAi(whole, { n: 2 })
  const half = await saying(events(both(null), chunk({}, 'stop'), chunk({}, 'stop'), '[DONE]'))
  const one = await openAi(half, { n: 2 })

  assert.match(two.text, /\[DONE\]/)
  assert.not.match(one.text, /\[DONE\]/)
})

test('a character whose halves come in two chunks is whole', () => {
  const halves = ['a\\ud83d', '\\ude42!'].map((half) =>
    parseChunk(`{"choices":[{"delta":{"content":"${half}"}}]}`),
  )
  const { encode } = plainText()

  assert.equal(
    halves.map((half) => encode([half])),
    ['a', '🙂!'],
  )
})

test('a reply that is encoded, though nobody asked for it, is no answer', async () => {
  const packed = gzipSync(events(chunk({ content: 'a' })) + end)
  const app = await served({
    headers: { 'content-encoding': 'gzip' },
    write: (write) => write(packed),
  })

  assert.is(codeOf(await plain(app)), 'model_bad_reply')
})

const completion = { choices: [{ index: 0, message: { content: 'a' }, finish_reason: 'stop' }] }
const whole = (text: string, more: object = {}) =>
  served({
    headers: { 'content-type': 'application/json' },
    write: (write) => write(text),
  }).then((app) => openAi(app, { stream: false, ...more }))

test('a byte order mark is no part of a whole answer', async () => {
  const { status, text } = await whole(`\uFEFF${JSON.stringify(completion)}`)

  assert.is(status, 200)
  assert.equal(JSON.parse(text), completion)
})

test('an error with the status of a success is what its code says', async () => {
  const { status } = await whole('{"error":{"code":"context_length_exceeded"}}')

  assert.is(status, 400)
})

test('options of a stream that we do not name pass through with it, and with nothing else', async () => {
  const options = { include_usage: true, include_obfuscation: false }
  const app = await saying(events(chunk({ content: 'a' })) + end)
  await openAi(app, { stream_options: options })
  const streamed = asked
  await openAi(app, { stream_options: { include_obfuscation: false } })
  const uncounted = asked
  await whole(JSON.stringify(completion), { stream_options: options })

  assert.equal(streamed['stream_options'], options)
  assert.equal(uncounted['stream_options'], options)
  assert.is(asked['stream_options'], undefined)
})

test.run()

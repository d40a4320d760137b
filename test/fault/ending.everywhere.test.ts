/** How a real process ends: by a signal, by a second one, and by a fault that nobody caught. */
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { startServer, type ServerProcess } from '../harness/process.ts'
import { isDeno } from '../harness/root.ts'

/** As seen from the folder of the manifest, which lies among the temporary ones. */
const crowd = relative(join(tmpdir(), 'a-server'), fileURLToPath(new URL('crowd', import.meta.url)))
const drainMs = 4_500
/** How long a short request takes: it has come in before it ends, and ends before the drain does. */
const shortMs = 2_500
/** Last words of the streams, the stop of the plugins, the end of the process. */
const afterDrainMs = 600
/** Two processors may be taken away for longer than that by the tests beside this one: one try of these must do. */
const tries = 5
/** The wrong ways to end take a minute. */
const patienceMs = 20_000

const start = (drain = `${drainMs}ms`, shutdownDelay = '0s', config = '{}') =>
  startServer({
    manifest: `
server: { port: 0, operations: '127.0.0.1:0', drain: ${drain}, shutdownDelay: ${shutdownDelay}, dataDir: '\${DATA_DIR}', limits: { eventLoopLag: 1m } }
plugins:
  crowd: { from: '${crowd}', config: ${config} }
`,
  })

interface Heard {
  readonly text: string
  /** The end came as HTTP ends a body, not by a broken connection. */
  readonly isWhole: boolean
}

async function hear({ body }: Response): Promise<Heard> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of body ?? []) text += decoder.decode(chunk, { stream: true })
    return { text, isWhole: true }
  } catch {
    return { text, isWhole: false }
  }
}

const times = <T>(count: number, make: () => T): readonly T[] => Array.from({ length: count }, make)

interface Plugins {
  readonly plugins: readonly { readonly name: string; readonly inFlight: number }[]
}

/** Until so many requests have reached the plugin. */
async function inFlight({ operationsUrl }: ServerProcess, count: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${operationsUrl}/admin/plugins`)
    const { plugins } = (await answer.json()) as Plugins
    if ((plugins.find(({ name }) => name === 'crowd')?.inFlight ?? 0) >= count) return
    await sleep(20)
  }
}

async function readiness({ operationsUrl }: ServerProcess): Promise<number> {
  return (await fetch(`${operationsUrl}/readyz`)).status
}

/** Until readiness has gone. */
async function draining(server: ServerProcess): Promise<void> {
  while ((await readiness(server)) !== 503) await sleep(10)
}

interface Told {
  readonly msg: string
  /** ISO 8601 */
  readonly time: string
}

/** By the clock of the server itself: when it began to drain. */
function drainBegan(stderr: string): number {
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'))
  const told = lines.map((line) => JSON.parse(line) as Told).find(({ msg }) => msg === 'draining')
  return Date.parse(told?.time ?? '')
}

/** Thirty in flight, ten of them streams without end. Resolves to how long the end took, all else being right. */
async function endWithThirty(): Promise<number> {
  const server = await start()
  const streams = await Promise.all([
    ...times(5, () => fetch(`${server.url}/events`)),
    ...times(5, () => fetch(`${server.url}/words`)),
  ])
  const heard = streams.map(hear)
  const shorts = times(20, () => fetch(`${server.url}/short?ms=${shortMs}`))
  await inFlight(server, 30)

  server.signal('SIGTERM')
  const endedAt = server.ended().then((ended) => ({ ...ended, at: Date.now() }))
  await draining(server)
  const late = await fetch(`${server.url}/short?ms=1`).then(
    ({ status }) => status,
    () => 'refused',
  )
  const answers = await Promise.all(shorts)
  const ends = await Promise.all(heard)
  const { code, stderr, at } = await endedAt

  assert.equal([...new Set(answers.map(({ status }) => status))], [200])
  assert.is(late, 'refused')
  for (const { text, isWhole } of ends.slice(0, 5)) {
    assert.ok(isWhole)
    assert.match(text, /^(data: 1\n\n)+retry: 1000\nevent: error\ndata: .*"server_draining".*\n\n$/)
  }
  for (const { text, isWhole } of ends.slice(5)) {
    assert.not.ok(isWhole)
    assert.match(text, /^(word )+$/)
  }
  assert.is(code, 0)
  return at - drainBegan(stderr)
}

test('SIGTERM with thirty requests in flight: short ones finish, streams end with a marker, the code is 0, in time', async () => {
  const took: number[] = []
  do took.push(await endWithThirty())
  while ((took.at(-1) ?? 0) > drainMs + afterDrainMs && took.length < tries)

  console.log(`drain of ${drainMs} ms, ended after ${took.join(', ')} ms`)
  assert.ok(Math.min(...took) >= drainMs - 50, `after ${took.join()} ms: before the time was up`)
  assert.ok((took.at(-1) ?? 0) <= drainMs + afterDrainMs, `after ${took.join(', ')} ms`)
})

test('with a shutdown delay an unready server answers until a balancer has seen it, and then refuses', async () => {
  const server = await start('60s', '3s')
  server.signal('SIGTERM')
  await draining(server)

  const answers: (readonly [number, string | null])[] = []
  const begun = performance.now()
  for (;;) {
    const answer = await fetch(`${server.url}/short?ms=1`).catch(() => undefined)
    if (answer === undefined) break
    answers.push([answer.status, answer.headers.get('connection')])
    await sleep(50)
  }
  const refusedMs = performance.now() - begun
  const { code } = await server.ended()

  assert.ok(answers.length > 5, `${answers.length} answers`)
  assert.equal([...new Set(answers.map(String))], ['200,close'])
  assert.ok(refusedMs > 1_000 && refusedMs < 3_000 + patienceMs, `refused after ${refusedMs} ms`)
  assert.is(code, 0)
})

test('without a stream the process ends when its last request has', async () => {
  const server = await start('60s')
  const short = fetch(`${server.url}/short?ms=${shortMs}`)
  await inFlight(server, 1)

  server.signal('SIGINT')
  const begun = performance.now()
  const { status } = await short
  const { code } = await server.ended()

  assert.equal([status, code], [200, 0])
  assert.ok(performance.now() - begun < shortMs + patienceMs)
})

test('a plugin that never stops is left behind after ten seconds, and named', async () => {
  const server = await start('1s', '0s', '{ stopHangs: true }')
  const begun = performance.now()
  server.signal('SIGTERM')
  const { code, stderr } = await server.ended()

  assert.is(code, 0)
  assert.match(stderr, "plugin 'crowd' did not stop within 10000 ms; it was left behind")
  assert.ok(performance.now() - begun < 10_000 + patienceMs)
})

for (const [signal, expected] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)
  test(`a second ${signal} ends the process at once`, async () => {
    const server = await start('60s')
    const heard = hear(await fetch(`${server.url}/events`))
    await inFlight(server, 1)
    server.signal(signal)
    await draining(server)

    server.signal(signal)
    const begun = performance.now()
    const { code } = await server.ended()

    assert.is(code, expected)
    assert.ok(performance.now() - begun < patienceMs)
    assert.not.ok((await heard).isWhole)
  })

/** Deno keeps no context in a timer that throws: the fault is ended as well, and called the core's. */
const faults = [
  { path: '/reject', message: 'nobody awaited this', plugin: 'crowd' },
  { path: '/throw', message: 'nobody caught this', plugin: isDeno ? 'core' : 'crowd' },
]
for (const { path, message, plugin } of faults)
  test(`after a fault that nobody caught (${path}) readiness is gone, requests finish, the code is 1`, async () => {
    const server = await start()
    const shorts = times(20, () => fetch(`${server.url}/short?ms=${shortMs}`))
    await inFlight(server, 20)

    await fetch(`${server.url}${path}`)
    await draining(server)
    const answers = await Promise.all(shorts)
    const { code, stderr } = await server.ended()

    assert.equal([...new Set(answers.map(({ status }) => status))], [200])
    assert.is(code, 1)
    const lines = stderr.split('\n').filter((line) => line.includes('a fault that nobody caught'))
    assert.is(lines.length, 1)
    assert.match(lines[0] ?? '', `"plugin":"${plugin}"`)
    assert.match(lines[0] ?? '', message)
  })

test.run()

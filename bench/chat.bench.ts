/** What a stream through us costs, beside a bare pipe, a hono gateway and Portkey: interleaved, by ratios. */
import { fork } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { moduleOf, portkey as portkeyPeer } from './chat-peers.ts'
import { child, Contender, median, quantile, tell, youngGeneration } from './chat-rounds.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
/** Enough for everything on the way to be compiled for good. */
const warmRounds = 3
const rounds = Math.ceil(7 * scale)
/** As in the research: 50 streams of 200 tokens. */
const paced = { tokens: 200, delayMs: 10 }
const live = Math.ceil(1_000 * scale)
const print = (line: string) => void process.stdout.write(`${line}\n`)

const [model, upstream] = await child('./chat-model.ts')
const pipe = await contender('pipe')
const openAi = await contender('ours /v1')
const text = await contender('ours text/plain', true)
const portkey = await portkeyGateway()
const contenders = [pipe, openAi, text, await contender('hono'), portkey]

async function contender(name: string, isText = false): Promise<Contender> {
  const [forked, url] = await child('./chat-servers.ts', [name, upstream])
  return new Contender(name, forked, url, isText)
}

/** Portkey's own program. */
async function portkeyGateway(): Promise<Contender> {
  const program = await moduleOf(portkeyPeer, '@portkey-ai/gateway/build/start-server.js')
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  probe.close()
  const options = { stdio: 'ignore' as const, execArgv: [youngGeneration] }
  const forked = fork(fileURLToPath(program), [`--port=${port}`, '--headless'], options)
  const headers = {
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstream}/v1`,
  }
  const one = new Contender('portkey', forked, `http://127.0.0.1:${port}`, false, headers)
  for (let tries = 0; tries < 40; tries += 1) {
    await sleep(250)
    const isStreaming = await one.firstTokenMs().then(Number.isFinite, () => false)
    if (isStreaming) return one
  }
  throw new Error('Portkey gives no stream')
}

interface Round {
  readonly micros: number
  readonly firstMs: readonly number[]
}

async function measure(one: Contender): Promise<Round> {
  const micros = await one.microsPerChunk(50, paced)
  const firstMs: number[] = []
  for (let count = 0; count < 20; count += 1) firstMs.push(await one.firstTokenMs())
  return { micros, firstMs }
}

const results = new Map<Contender, Round[]>(contenders.map((one) => [one, []]))
for (let round = -warmRounds; round < rounds; round += 1) {
  const order = round % 2 === 0 ? contenders : contenders.toReversed()
  for (const one of order) {
    const measured = await measure(one)
    if (round >= 0) results.get(one)?.push(measured)
  }
}
const of = (one: Contender) => results.get(one) ?? []
const firstOf = (one: Contender) => of(one).flatMap(({ firstMs }) => firstMs)
/** Round by round, since all contenders of a round met the same machine. */
const ratio = (one: Contender) =>
  median(of(one).map(({ micros }, at) => micros / (of(pipe)[at]?.micros ?? Number.NaN)))

print(`medians of ${rounds} interleaved rounds of 50 streams of ${paced.tokens} tokens\n`)
print(
  `${'contender'.padEnd(18)}${'µs CPU/chunk'.padStart(14)}${': pipe'.padStart(8)}${'first token p50'.padStart(18)}${'p99 ms'.padStart(9)}`,
)
for (const one of contenders) {
  const micros = median(of(one).map((round) => round.micros))
  const times = firstOf(one)
  print(
    `${one.name.padEnd(18)}${micros.toFixed(1).padStart(14)}${ratio(one).toFixed(2).padStart(8)}${median(times).toFixed(2).padStart(18)}${quantile(times, 0.99).toFixed(1).padStart(9)}`,
  )
}

interface Crowd {
  readonly kib: number
  readonly leaveMs: number
}

/** Many at once: memory for each, then all of them leave. */
async function crowd(one: Contender): Promise<Crowd> {
  const idle = await one.rss()
  const leave = new AbortController()
  const bodies = Array.from({ length: live }, async () => {
    const body = await one.ask({ tokens: 100_000, delayMs: 200 }, leave.signal)
    await new Promise((resolve) => body.once('readable', resolve))
    body.resume()
  })
  await Promise.all(bodies)
  await sleep(1_000)
  const kib = ((await one.rss()) - idle) / live / 1_024
  const leftAt = Date.now()
  leave.abort()
  for (let tries = 0; tries < 500; tries += 1) {
    const { active, lastClosedAt } = await tell<{ active: number; lastClosedAt: number }>(
      model,
      'seen',
    )
    if (active === 0) return { kib, leaveMs: lastClosedAt - leftAt }
    await sleep(20)
  }
  return { kib, leaveMs: Number.POSITIVE_INFINITY }
}

print(`\n${live} live streams        KiB each    all gone upstream after`)
const crowds = new Map<Contender, Crowd>()
for (const one of contenders) {
  // Whoever never cuts its upstream off would work on beside the others: it is the last one.
  const seen = await crowd(one)
  crowds.set(one, seen)
  const left = Number.isFinite(seen.leaveMs) ? `${seen.leaveMs} ms` : 'not in 10 s'
  print(`${one.name.padEnd(18)}${seen.kib.toFixed(1).padStart(14)}${left.padStart(20)}`)
}

const verdict = (isKept: boolean) => (isKept ? 'kept' : 'BROKEN')
const added = (one: Contender) => median(firstOf(one)) - median(firstOf(pipe))
print('')
for (const [one, most] of [
  [openAi, 1.5],
  [text, 2],
] as const) {
  const { kib, leaveMs } = crowds.get(one) ?? { kib: Number.NaN, leaveMs: Number.NaN }
  print(
    `${one.name}: CPU per chunk ≤ ${most} × the pipe: ${ratio(one).toFixed(2)} ${verdict(ratio(one) <= most)}`,
  )
  print(`${one.name}: memory ≤ 64 KiB a live stream: ${kib.toFixed(1)} ${verdict(kib <= 64)}`)
  print(`${one.name}: all gone upstream in ≤ 1.5 s: ${leaveMs} ms ${verdict(leaveMs <= 1_500)}`)
  const isQuick = added(one) <= added(portkey) / 5
  print(
    `${one.name}: added to the first token (p50) ≤ 1/5 of Portkey’s ${added(portkey).toFixed(2)} ms: ${added(one).toFixed(2)} ${verdict(isQuick)}`,
  )
}
for (const one of contenders) one.stop()
model.disconnect()
process.exit()

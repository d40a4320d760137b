/** What a stream through us costs, beside a bare pipe, a hono gateway and Portkey: interleaved, by ratios. */
import { fork } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { child, Contender, median, quantile, tell } from './chat-rounds.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const rounds = Math.ceil(5 * scale)
/** As in the research: 50 streams of 200 tokens. */
const paced = { tokens: 200, delayMs: 10 }
const live = Math.ceil(1_000 * scale)
const print = (line: string) => void process.stdout.write(`${line}\n`)

const [model, upstream] = await child('./chat-model.ts')
const contenders = [
  await contender('pipe'),
  await contender('ours /v1', false),
  await contender('ours text/plain', true),
  await contender('hono'),
]
const portkey = await portkeyGateway()
if (portkey !== undefined) contenders.push(portkey)

async function contender(name: string, isText = false): Promise<Contender> {
  const [forked, url] = await child('./chat-servers.ts', name, upstream)
  return new Contender(name, forked, url, isText)
}

/** Portkey's own program; absent when it does not stream here (1.15.2 breaks on hono 4.13). */
async function portkeyGateway(): Promise<Contender | undefined> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  probe.close()
  const program = fileURLToPath(import.meta.resolve('@portkey-ai/gateway/build/start-server.js'))
  const forked = fork(program, [`--port=${port}`, '--headless'], { stdio: 'ignore' })
  const headers = {
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstream}/v1`,
  }
  const one = new Contender('portkey', forked, `http://127.0.0.1:${port}`, false, headers)
  for (let tries = 0; tries < 20; tries += 1) {
    await sleep(250)
    const isStreaming = await one.firstTokenMs().then(Number.isFinite, () => false)
    if (isStreaming) return one
  }
  forked.kill()
  print('portkey 1.15.2 does not stream here; see research: its hono is not pinned\n')
  return undefined
}

const cpu = new Map<Contender, number[]>()
const first = new Map<Contender, number[]>()
for (const one of contenders) {
  await one.microsPerChunk(20, { tokens: 200 })
  cpu.set(one, [])
  first.set(one, [])
}
for (let round = 0; round < rounds; round += 1) {
  for (const one of contenders) {
    cpu.get(one)?.push(await one.microsPerChunk(50, paced))
    for (let count = 0; count < 20; count += 1) first.get(one)?.push(await one.firstTokenMs())
  }
}
const of = (values: Map<Contender, number[]>, name: string) => {
  const found = contenders.find((one) => one.name === name)
  return found === undefined ? Number.NaN : median(values.get(found) ?? [])
}

print(
  `${'contender'.padEnd(18)}${'µs CPU/chunk'.padStart(14)}${': pipe'.padStart(8)}${'first token p50'.padStart(18)}${'p99 ms'.padStart(9)}`,
)
for (const one of contenders) {
  const micros = median(cpu.get(one) ?? [])
  const times = first.get(one) ?? []
  const ratio = (micros / of(cpu, 'pipe')).toFixed(2)
  print(
    `${one.name.padEnd(18)}${micros.toFixed(1).padStart(14)}${ratio.padStart(8)}${median(times).toFixed(2).padStart(18)}${quantile(times, 0.99).toFixed(1).padStart(9)}`,
  )
}

/** Many at once: memory for each, then all of them leave. */
async function crowd(one: Contender): Promise<{ kib: number; leaveMs: number }> {
  const idle = await one.rss()
  const leave = new AbortController()
  const bodies = Array.from({ length: live }, async () => {
    const body = await one.ask({ tokens: 100_000, delayMs: 200 }, leave.signal)
    await new Promise((resolve) => body.once('readable', resolve))
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
const crowds = new Map<string, { kib: number; leaveMs: number }>()
for (const one of contenders) {
  const seen = await crowd(one)
  crowds.set(one.name, seen)
  print(
    `${one.name.padEnd(18)}${seen.kib.toFixed(1).padStart(14)}${`${seen.leaveMs} ms`.padStart(20)}`,
  )
}

const verdict = (isKept: boolean) => (isKept ? 'kept' : 'BROKEN')
const openAi = of(cpu, 'ours /v1') / of(cpu, 'pipe')
const text = of(cpu, 'ours text/plain') / of(cpu, 'pipe')
const added = of(first, 'ours /v1') - of(first, 'pipe')
const ours = crowds.get('ours /v1')
print(`\nCPU per chunk ≤ 1.5 × the pipe on /v1: ${openAi.toFixed(2)} ${verdict(openAi <= 1.5)}`)
print(`CPU per chunk ≤ 2 × the pipe on text/plain: ${text.toFixed(2)} ${verdict(text <= 2)}`)
print(`memory ≤ 64 KiB a live stream: ${ours?.kib.toFixed(1)} ${verdict(Number(ours?.kib) <= 64)}`)
print(
  `all gone upstream in ≤ 1.5 s: ${ours?.leaveMs} ms ${verdict(Number(ours?.leaveMs) <= 1_500)}`,
)
print(`added to the first token (p50, over the pipe): ${added.toFixed(2)} ms`)
if (portkey !== undefined) {
  const theirs = of(first, 'portkey') - of(first, 'pipe')
  print(`added ≤ 1/5 of Portkey’s ${theirs.toFixed(2)} ms: ${verdict(added <= theirs / 5)}`)
}
for (const one of contenders) one.stop()
model.disconnect()
process.exit()

import http from 'node:http'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { definePlugin, reply } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { about, hostOf, open, planOf, pool, reader, type Entry } from '../core/host-fixture.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const reloads = 100 * scale
const streams = 50

const talker = definePlugin({
  name: 'talker',
  ...about,
  routes: ({ route }) => [
    route({
      ...open,
      method: 'GET',
      path: '/talk',
      summary: 'Talks until it is asked to end',
      stream: { idleMs: 10_000, totalMs: 600_000 },
      handler: () => reply(200, talk(talking), { 'content-type': 'text/plain' }),
    }),
  ],
})
const talking = { goesOn: true }

async function* talk(state: { readonly goesOn: boolean }) {
  for (let i = 0; state.goesOn; i += 1) {
    yield `${i}\n`
    await sleep(50)
  }
  yield 'the end\n'
}

/** Asks for one page after another until it is told to stop; counts what went wrong. */
async function keepReading(url: string, agent: http.Agent, state: { goesOn: boolean }) {
  const seen = { ok: 0, failed: [] as string[] }
  while (state.goesOn) {
    const status = await statusOf(url, agent).catch((error: unknown) => String(error))
    if (status === 200) seen.ok += 1
    else seen.failed.push(String(status))
  }
  return seen
}

const statusOf = (url: string, agent: http.Agent) =>
  new Promise<number>((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
      response.once('error', reject)
    })
    request.once('error', reject)
  })

/** Resolves to all that the stream said, when it ends. */
const listen = async (url: string) => (await fetch(url)).text()

test(`${reloads} reloads under load fail no request and cut none of ${streams} open streams`, async () => {
  const entries = (n: number): readonly Entry[] => [
    { plugin: talker },
    { plugin: pool, config: { n: Math.floor(n / 2) } },
    { plugin: reader, config: { n } },
  ]
  const { host, plans } = hostOf(planOf(entries(0)))
  await host.boot()
  const { public: url } = host.addresses
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 })
  const state = { goesOn: true }
  talking.goesOn = true
  const heard = Array.from({ length: streams }, () => listen(`${url}/talk`))
  const readers = Array.from({ length: 10 }, () => keepReading(`${url}/read?ms=1`, agent, state))
  await sleep(100)

  const times: number[] = []
  const begun = performance.now()
  for (let n = 1; n <= reloads; n += 1) {
    plans.next = planOf(entries(n))
    const before = performance.now()
    await host.reload()
    times.push(performance.now() - before)
    await sleep(10)
  }
  const seconds = (performance.now() - begun) / 1_000
  state.goesOn = false
  talking.goesOn = false
  const seen = await Promise.all(readers)
  const texts = await Promise.all(heard)

  const failed = seen.flatMap((one) => one.failed)
  const ok = seen.reduce((sum, one) => sum + one.ok, 0)
  const perSecond = (ok / seconds).toFixed(0)
  console.log(`${reloads} reloads, ${ok} requests (${perSecond}/s), ${failed.length} failed`)
  console.log(`a reload took ${median(times).toFixed(1)} ms in the median`)
  assert.equal(failed, [])
  assert.ok(ok > reloads)
  assert.is(texts.filter((text) => text.endsWith('the end\n')).length, streams)
  assert.ok(median(times) < 250, `the median reload took ${median(times)} ms`)
  agent.destroy()
  await host.close()
})

test('reloads leave no memory behind', async () => {
  const leaf = (n: number) => planOf([{ plugin: pool, config: { n } }], { retire: '10m' })
  const { host, plans } = hostOf(leaf(0))
  await host.boot()
  const round = async (n: number) => {
    plans.next = leaf(n)
    await host.reload()
  }
  for (let n = 1; n <= 200; n += 1) await round(n)
  const before = await heapBytes()
  const rounds = 500 * scale
  for (let n = 1; n <= rounds; n += 1) await round(1_000 + n)

  const grown = (await heapBytes()) - before

  console.log(`${rounds} reloads more: ${(grown / 1_048_576).toFixed(2)} MiB of heap more`)
  assert.ok(grown < 5 * 1_048_576, `grew by ${grown} bytes in ${rounds} reloads`)
  await host.close()
})

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function heapBytes(): Promise<number> {
  await sleep(50)
  collect()
  return process.memoryUsage().heapUsed
}

test.run()

/** What a read from the cache costs: as a call, from Redis, and over HTTP. Interleaved; ratios of the same run. */
import process from 'node:process'

import { privateRedis } from '../test/harness/redis.ts'
import { measure } from './cached-read-http.ts'
import { inMemory, inRedis, race } from './cached-read-library.ts'
import { median, ratio } from './routing-rounds.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
type Results = ReadonlyMap<string, readonly number[]>

function print(title: string, results: Results, digits: number): void {
  process.stdout.write(`\n${title}\n`)
  for (const [name, rounds] of results)
    process.stdout.write(`  ${name.padEnd(48)}${median(rounds).toFixed(digits).padStart(12)}\n`)
}

function judge(goal: string, value: number, isKept: boolean): void {
  process.stdout.write(`  ${isKept ? 'kept  ' : 'BROKEN'} ${goal}: ${value.toFixed(3)}\n`)
}

const memory = await race(await inMemory(), { rounds: 31 * scale, reads: 20_000, inFlight: 1 })
print('Hits in memory, µs of CPU per read (median)', memory, 2)
const bare = ratio(memory.get('JSON.parse(lru.get(key))'), memory.get('ours'))
judge('≥ 0.60 × a bare JSON.parse(lru.get(key))', bare, bare >= 0.6)
const bento = ratio(memory.get('bentocache'), memory.get('ours'))
judge('≥ 5 × bentocache', bento, bento >= 5)

const server = await privateRedis()
const redis = await race(await inRedis(server.url), {
  rounds: 15 * scale,
  reads: 6_000,
  inFlight: 32,
})
print('Hits in Redis, 32 in flight, µs of CPU per read (median)', redis, 1)
const second = ratio(redis.get('bentocache'), redis.get('ours'))
judge('≥ 1.0 × bentocache', second, second >= 1)

const http = await measure({ rounds: 20 * scale, requests: 2_000 })
print('Over HTTP, µs of server CPU per reply (median)', http, 1)
const cost = ratio(http.get('koa + @koa/router, our cache'), http.get('koa + @koa/router, a Map'))
judge('≤ 1.25 × the same koa route from a Map', cost, cost <= 1.25)
const whole = ratio(
  http.get('our server, our cache'),
  http.get('koa + @koa/router, a Map, our duties'),
)
judge('our whole server ≤ 1.25 × koa with the same duties and a Map', whole, whole <= 1.25)

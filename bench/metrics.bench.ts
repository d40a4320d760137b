/**
 * What counting costs: the whole server, whose meter counts in one round and rests in the next. One process, since
 * two of the same code differ by up to 4 %.
 */
import process from 'node:process'

import { cpuMicros, load, median, ratio, start, stop, warmUp } from './routing-rounds.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const [rounds, requests] = [60 * scale, 2_500]
const subject = { contender: 'ours with metrics', routes: 100 }

const running = await start(subject)
const micros = { count: [] as number[], rest: [] as number[] }

async function measure(word: keyof typeof micros): Promise<void> {
  await cpuMicros(running.child, word)
  await load(running, 2 * subject.routes) // its label sets are there, as on a server that has run for a while
  const before = await cpuMicros(running.child, word)
  await load(running, requests)
  micros[word].push(((await cpuMicros(running.child, word)) - before) / requests)
}

for (const word of ['rest', 'count']) {
  await cpuMicros(running.child, word)
  await load(running, warmUp)
}
for (let round = 0; round < rounds; round++)
  for (const word of round % 2 === 0 ? (['count', 'rest'] as const) : (['rest', 'count'] as const))
    await measure(word)
await stop(running)

process.stdout.write('Server CPU per request in µs (median of interleaved rounds), 100 routes\n\n')
for (const [name, of] of [
  ['with metrics', micros.count],
  ['without', micros.rest],
] as const)
  process.stdout.write(`${name.padEnd(26)}${median(of).toFixed(1).padStart(8)}\n`)
const cost = ratio(micros.count, micros.rest)
process.stdout.write(
  `\nwith metrics ≤ 1.05 × without: ${cost.toFixed(3)} ${cost <= 1.05 ? 'kept' : 'BROKEN'}\n`,
)

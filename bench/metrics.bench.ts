/** What counting costs: the whole server with the meter of the metrics plugin, and without a meter. */
import process from 'node:process'

import { measure, median, ratio } from './routing-rounds.ts'
import type { Subject } from './routing-rounds.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const subject = (contender: string): Subject => ({ contender, routes: 100 })
const [counted, plain] = [subject('ours with metrics'), subject('ours')]

const results = await measure([counted, plain], { rounds: 60 * scale, requests: 2_500 })
const of = (one: Subject) => results.get(one) ?? []

process.stdout.write('Server CPU per request in µs (median of interleaved rounds), 100 routes\n\n')
for (const one of [counted, plain])
  process.stdout.write(`${one.contender.padEnd(26)}${median(of(one)).toFixed(1).padStart(8)}\n`)
const cost = ratio(of(counted), of(plain))
process.stdout.write(
  `\nwith metrics ≤ 1.05 × without: ${cost.toFixed(3)} ${cost <= 1.05 ? 'kept' : 'BROKEN'}\n`,
)

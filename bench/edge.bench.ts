/** What the edge costs: checks of the input, limits, deadlines, security headers, CORS, shedding. */
import process from 'node:process'

import { measure, median, ratio } from './routing-rounds.ts'
import type { Subject } from './routing-rounds.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const subject = (contender: string): Subject => ({ contender, routes: 100 })
const [whole, without, bare] = [
  subject('ours'),
  subject('ours without the edge'),
  subject('node:http, no duties'),
]

const results = await measure([whole, without, bare], { rounds: 80 * scale, requests: 500 })
const of = (one: Subject) => results.get(one) ?? []

process.stdout.write('Server CPU per request in µs (median of interleaved rounds), 100 routes\n\n')
for (const one of [whole, without, bare])
  process.stdout.write(`${one.contender.padEnd(26)}${median(of(one)).toFixed(1).padStart(8)}\n`)
const cost = ratio(of(whole), of(without))
process.stdout.write(
  `\nthe edge ≤ 1.10 × the pipeline without it: ${cost.toFixed(3)} ${cost <= 1.1 ? 'kept' : 'BROKEN'}\n`,
)

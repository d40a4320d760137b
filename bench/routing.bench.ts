/** What a route costs, and whether a thousand of them cost more. */
import process from 'node:process'

import { measure, median, ratio } from './routing-rounds.ts'
import type { Subject } from './routing-rounds.ts'

const sizes = [1, 100, 1_000]
const names = ['ours', 'koa + @koa/router', 'fastify', 'node:http, no duties']
const scale = Number(process.env['TEST_SCALE'] ?? 1)
const subjects = names.flatMap((contender) =>
  sizes.map((routes): Subject => ({ contender, routes })),
)

const results = await measure(subjects, { rounds: 25 * scale, requests: 500 })
const of = (contender: string, routes: number) =>
  [...results].find(([one]) => one.contender === contender && one.routes === routes)?.[1] ?? []

process.stdout.write(
  'Server CPU per request in µs (median of interleaved rounds), equal duties\n\n',
)
process.stdout.write(
  `${'routes'.padEnd(24)}${sizes.map((size) => String(size).padStart(8)).join('')}`,
)
process.stdout.write('   1,000 : 1\n')
for (const name of names) {
  const cells = sizes.map((size) => median(of(name, size)).toFixed(1).padStart(8))
  const growth = ratio(of(name, 1_000), of(name, 1)).toFixed(3).padStart(12)
  process.stdout.write(`${name.padEnd(24)}${cells.join('')}${growth}\n`)
}
const growth = ratio(of('ours', 1_000), of('ours', 1))
const againstKoa = sizes.map((size) => ratio(of('ours', size), of('koa + @koa/router', size)))
const verdict = (isKept: boolean) => (isKept ? 'kept' : 'BROKEN')
process.stdout.write(
  `\n1,000 routes ≤ 1.05 × one route: ${growth.toFixed(3)} ${verdict(growth <= 1.05)}\n`,
)
process.stdout.write(
  `ours ≤ koa + @koa/router: ${againstKoa.map((r) => r.toFixed(3)).join(', ')} ${verdict(againstKoa.every((r) => r <= 1))}\n`,
)

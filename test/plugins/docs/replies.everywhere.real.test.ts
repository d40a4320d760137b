/** Whatever is sent to an operation, the document has said what may come back. */
import process from 'node:process'

import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { operationsOf } from '../../../plugins/docs/openapi.ts'
import type { Placed } from '../../../plugins/docs/openapi.ts'
import { exchange } from './exchange.ts'
import type { Received, Sent } from './exchange.ts'
import { documentedServer } from './open-server.ts'
import { casesOf } from './reply-cases.ts'
import type { ReplyCase } from './reply-cases.ts'
import { ReplyCheck } from './reply-check.ts'
import { World } from './reply-world.ts'
import { SchemaValues } from './schema-values.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const perOperation = Math.ceil(200 * scale)
const seed = Number(process.env['TEST_SEED'] ?? 20_261_124)
const atOnce = 8
const isGood = (status: number) => status < 300

const { server, token, tokenFor, document } = await documentedServer()
const world = new World(server, { owner: token, other: await tokenFor('bob') })
const check = new ReplyCheck(document)
const values = new SchemaValues(document)
test.before(() => world.fill())
test.after(async () => void (await server.stop()))

/** What takes things away comes last, and what takes all of them at the very end. */
const rank = ({ method, path }: Placed) => (method === 'DELETE' ? (path.endsWith('}') ? 1 : 2) : 0)
const operations = operationsOf(document).toSorted((one, two) => rank(one) - rank(two))

/** How often each status was seen, by operation. */
const seen = new Map<Placed, Map<number, number>>()
const seenOf = (operation: Placed, isIt: (status: number) => boolean) =>
  [...(seen.get(operation) ?? [])].reduce((sum, [status, n]) => sum + (isIt(status) ? n : 0), 0)

/** What is wrong with the reply to this case; nothing when it is as documented. */
async function judge(operation: Placed, one: ReplyCase): Promise<string | undefined> {
  const sent = world.request(operation, one)
  const fault = await exchange(server.url, sent).then(
    (received) => {
      const { status } = received
      const statuses = seen.get(operation)
      statuses?.set(status, (statuses.get(status) ?? 0) + 1)
      world.learn(one.as, operation.path, received)
      return faultOf(operation, one, sent, received)
    },
    (error: Error) => `no reply: ${error.message}`,
  )
  if (fault === undefined) return undefined
  const { as, headers, odd } = one
  const said = { as, headers, target: sent.target, body: sent.body?.toString() }
  return `${odd.join(', ') || 'as documented'}: ${fault}\n    ${JSON.stringify(said).slice(0, 1_000)}`
}

function faultOf(
  operation: Placed,
  one: ReplyCase,
  sent: Sent,
  { status, headers, text }: Received,
): string | undefined {
  if (status >= 500) return `${status}, and nothing of ours was broken: ${text.slice(0, 300)}`
  if (one.leaves && status === 200) return undefined
  const fault = check.fault(operation, status, headers['content-type'] ?? '', text)
  if (fault !== undefined) return fault
  const isRefused = status >= 400 && /"code":"invalid_(?:body|query)"/.test(text)
  if (one.odd.length === 0 && isRefused) return `it is refused: ${text.slice(0, 400)}`
  const isTaken = status < 300 && sent.body !== undefined && one.bytes === undefined
  const isAsSaid = !isTaken || check.takes(operation, JSON.parse(sent.body.toString()))
  return isAsSaid ? undefined : 'it is taken'
}

async function judgeAll(operation: Placed): Promise<string[]> {
  const cases = fc.sample(casesOf(operation, values), { seed, numRuns: perOperation })
  const faults: string[] = []
  const queue = cases.entries()
  const worker = async () => {
    for (const [nth, one] of queue) {
      const fault = await judge(operation, one)
      if (fault !== undefined) faults.push(`case ${nth}, ${fault}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return faults
}

for (const operation of operations) {
  const name = `${operation.method} ${operation.path}`
  test(`${name}: ${perOperation} requests, and every reply is documented`, async () => {
    seen.set(operation, new Map())
    await world.logIn()

    const faults = await judgeAll(operation)

    const [total, shown] = [faults.length, faults.slice(0, 4).join('\n  ')]
    assert.is(total, 0, `${total} of ${perOperation} (TEST_SEED=${seed})\n  ${shown}`)
    const [good, refused] = [
      seenOf(operation, isGood),
      seenOf(operation, (status) => status >= 400),
    ]
    assert.ok(good >= Math.min(5, perOperation / 40), `only ${good} are answered with a success`)
    assert.ok(refused >= Math.min(5, perOperation / 40), `only ${refused} are refused`)
  })
}

test('the requests reach every refusal that needs no fault of ours', () => {
  const reached = (status: number) => operations.some((one) => seenOf(one, (s) => s === status) > 0)

  const aims = [200, 201, 202, 204, 304, 400, 401, 403, 404, 406, 409, 413, 414, 415, 417, 422, 431]
  assert.equal(
    aims.filter((status) => !reached(status)),
    [],
  )
})

test.run()

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { billing as command } from '../../../plugins/billing/commands.ts'
import { delivery, embedded, emptied, eventsIn, fakeStripe, instance } from './stage.ts'

const database = await embedded()
const fake = await fakeStripe({ seed: 6 })
const one = await instance({ database, fake })
const { reconciler, doctor } = one

test.before.each(() => emptied(database))

/** `run('events', 'show', 'evt_1')`, with options as the command line reads them. */
async function run(words: readonly string[], options: Record<string, string | boolean> = {}) {
  const [action, verb, id] = words
  const [out, err]: [string[], string[]] = [[], []]
  const io = {
    json: options['json'] === true,
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
  }
  const args = { limit: '50', action, verb, id, ...options }
  const services = { database, reconciler, doctor }
  const code = await command.run(services, args, io as never)
  return { code, out: out.join('\n'), err: err.join('\n') }
}

async function arrived(): Promise<string> {
  fake.webhooks.send = () => undefined
  const { id } = fake.billing.createCustomer({})
  const event = fake.state.all('event')[0]
  if (!event) throw new Error(`no event of ${id}`)
  await one.webhook.receive(delivery(event, fake.state.secret, one.plugin.clock.now()))
  return event.id
}

test('events are listed and shown with what Stripe sent', async () => {
  const id = await arrived()

  assert.match(
    (await run(['events', 'list'])).out,
    new RegExp(`pending {2}${id} {2}customer.created`),
  )
  assert.match((await run(['events', 'show', id])).out, /"object": "customer"/)
})

test('a list without events says so; as JSON it is empty', async () => {
  await arrived()
  const dead = { status: 'dead' }

  assert.equal(await run(['events', 'list'], dead), { code: 0, out: '', err: 'No events.' })
  assert.equal(await run(['events', 'list'], { ...dead, json: true }), {
    code: 0,
    out: '{"items":[]}',
    err: '',
  })
})

test('a dead event is replayed by its id, and all of them by --dead', async () => {
  await arrived()
  const id = await arrived()
  const die = () => database.knex.raw(`update billing_events set status = 'dead', attempts = 11`)
  await die()

  assert.match((await run(['events', 'replay', id])).out, /^1 will be worked again/)
  await die()
  assert.match((await run(['events', 'replay'], { dead: true })).out, /^2 will be worked again/)
  assert.ok((await eventsIn(database)).every(({ status }) => status === 'pending'))
})

test('an event that never came is named, and nothing is replayed', async () => {
  for (const verb of ['show', 'replay']) {
    const { code, out, err } = await run(['events', verb, 'evt_nope'])
    assert.equal([code, out], [1, ''])
    assert.match(err, /no event 'evt_nope'.*events list/)
  }
})

test('an option that cannot be understood is named with what it may be', async () => {
  const wrong = [
    [{ status: 'rubbish' }, /--status is 'rubbish'.*dead/],
    [{ since: 'soon' }, /--since is 'soon'.*2h/],
    [{ limit: '0' }, /--limit is '0'/],
  ] as const
  for (const [options, said] of wrong) {
    const { code, err } = await run(['events', 'list'], options)
    assert.is(code, 2)
    assert.match(err, said)
  }
  assert.match((await run(['reconcile'], { since: 'soon' })).err, /--since is 'soon'/)
  assert.match((await run(['nonsense'])).err, /^usage: /)
})

test('a word too many is refused, and nothing is done', async () => {
  const wrong = [
    ['reconcile', 'sub_1'],
    ['doctor', 'online'],
    ['events', 'list', 'evt_1'],
  ] as const
  for (const words of wrong) {
    const { code, out, err } = await run(words)
    assert.equal([code, out], [2, ''])
    assert.match(err, new RegExp(`^'${words.at(-1)}' is one too many\nusage: `))
  }
})

test('reconcile says how many were missing', async () => {
  await arrived()
  await emptied(database)

  assert.match((await run(['reconcile'])).out, /(\d+) events at Stripe, \1 of them were missing/)
  assert.match((await run(['reconcile'])).out, / 0 of them were missing/)
})

test('the doctor ends with 1 when something is wrong', async () => {
  assert.is((await run(['doctor'])).code, 0)
  await arrived()
  await database.knex.raw(`update billing_events set status = 'dead'`)

  const { code, out } = await run(['doctor'])
  assert.is(code, 1)
  assert.match(out, /fail {2}inbox: 0 waiting, 1 dead/)
})

test('everything ends', async () => {
  await one.stop()
  await fake.stop()
  await database.stop()
})

test.run()

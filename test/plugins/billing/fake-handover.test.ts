/** During a reload there are two FakeStripes over one state; beside a command as well. */
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { FakeListener } from '../../../plugins/billing/fake-listener.ts'
import { FakeStripe } from '../../../plugins/billing/fake-stripe.ts'
import { adoptFolder } from '../../harness/ending.ts'
import { proPrice, realClock, seeded } from './stage.ts'

const folder = () => adoptFolder(mkdtempSync(join(tmpdir(), 'ado-fake-')))
let seed = 0

const fakeIn = (dataDir: string, { port }: { port: number | undefined } = { port: 0 }) =>
  new FakeStripe({
    clock: realClock,
    random: seeded((seed += 1)),
    dataDir,
    host: '127.0.0.1',
    port,
    plans: [{ price: proPrice, name: 'pro', amount: 2_000 }],
  })

/** Every port that was asked for while this ran, in turn. */
async function portsAsked(work: () => Promise<void>): Promise<readonly number[]> {
  const open = FakeListener.open.bind(FakeListener)
  const ports: number[] = []
  FakeListener.open = (handle, port, host) => {
    ports.push(port)
    return open(handle, port, host)
  }
  await work().finally(() => (FakeListener.open = open))
  return ports
}

/** A payment page, made as our own calls make it. */
async function order({ base }: FakeStripe): Promise<{ id: string; url: string }> {
  const made = await fetch(`${base}/v1/checkout/sessions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_1' },
    body: new URLSearchParams({ mode: 'subscription', 'line_items[0][price]': proPrice }),
  })
  return (await made.json()) as { id: string; url: string }
}

const statusOf = (fake: FakeStripe, { id }: { id: string }) =>
  fake.billing.get(id, 'checkout.session')['status']

test('the port and all that is known go from one instance to the next', async () => {
  const dataDir = folder()
  const before = fakeIn(dataDir)
  await before.start()
  const early = await order(before)
  const after = fakeIn(dataDir)
  await after.start()
  const late = await order(before)
  assert.is(after.url, before.url)

  before.closeDoor()
  await after.openDoor()
  for (const { url } of [early, late]) {
    assert.ok(url.startsWith(`${after.url}/`))
    assert.is((await fetch(url, { method: 'POST', redirect: 'manual' })).status, 303)
  }
  // A request that began before the swap still has its own Stripe, which knows what came since.
  assert.is(statusOf(before, early), 'complete')
  assert.is(statusOf(after, await order(before)), 'open')
  assert.is(after.state.secret, before.state.secret)
  await before.stop()
  await after.stop()
})

test('a command takes neither the port nor what was written meanwhile', async () => {
  const dataDir = folder()
  const server = fakeIn(dataDir)
  await server.start()
  const command = fakeIn(dataDir, { port: undefined })
  const made = await order(server)
  await command.start()
  assert.is(statusOf(command, made), 'open')
  assert.equal(await portsAsked(() => command.openDoor()), [])
  await command.stop()
  await server.stop()

  const again = fakeIn(dataDir)
  await again.start()
  assert.is(again.url, server.url)
  assert.is(statusOf(again, made), 'open')
  await again.stop()
})

test('a port that another program has is left to it for good', async () => {
  const dataDir = folder()
  const first = fakeIn(dataDir)
  await first.start()
  await first.stop()
  const kept = Number(new URL(first.url).port)
  const squatter = createServer((_, response) => response.end('other'))
  await new Promise<void>((resolve) => {
    squatter.listen(kept, '127.0.0.1', resolve)
  })
  const second = fakeIn(dataDir)
  await second.start()
  assert.equal(await portsAsked(() => second.openDoor()), [kept, 0], 'nobody waits for it')
  const made = await order(second)

  assert.is.not(second.url, first.url)
  assert.match(await (await fetch(made.url)).text(), /\$20\.00/)
  await second.stop()
  squatter.close()
})

test.run()

import type { PGlite } from '@electric-sql/pglite'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { once } from 'node:events'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { PgliteServer } from '../../../plugins/database/pglite-server.ts'
import { until } from '../../harness/until.ts'

/** Answers every round with one byte; `Q` opens a transaction, a ROLLBACK ends it. */
class OneByte {
  readonly rounds: string[] = []
  #inTransaction = false

  readonly isInTransaction = (): boolean => this.#inTransaction

  readonly execProtocolRawStream = async (
    bytes: Uint8Array,
    { onRawData }: { onRawData: (data: Uint8Array) => void },
  ): Promise<void> => {
    const text = Buffer.from(bytes).toString('latin1')
    this.rounds.push(text)
    if (text.startsWith('Q')) this.#inTransaction = !text.includes('ROLLBACK')
    onRawData(Buffer.from('.'))
  }
}

const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])
const sync = Buffer.from('S\0\0\0\u0004', 'latin1')
const begin = Buffer.from('Q\0\0\0\u0006x\0', 'latin1')

async function served(idleMs: number) {
  const db = new OneByte()
  const server = new PgliteServer(db as unknown as PGlite, idleMs)
  const accepted: Socket[] = []
  const listening = createServer((socket) => {
    accepted.push(socket)
    server.accept(socket)
  })
  await once(listening.listen(0, '127.0.0.1'), 'listening')
  const client = connect((listening.address() as AddressInfo).port, '127.0.0.1')
  const ask = async (bytes: Buffer): Promise<void> => {
    client.write(bytes)
    await once(client, 'data')
  }
  const end = async (): Promise<void> => {
    client.destroy()
    await server.close()
    listening.close()
  }
  return { db, ask, client, accepted, end }
}

test('a connection that asks for ever in a transaction gathers no listeners', async () => {
  const { ask, accepted, end } = await served(20_000)
  await ask(startup)
  await ask(begin)
  const count = () => accepted[0]?.eventNames().map((name) => accepted[0]?.listenerCount(name))
  const before = count()

  for (let round = 0; round < 50; round++) await ask(begin)

  assert.equal(count(), before)
  await end()
})

test('a transaction that says nothing for a while loses its connection, and is rolled back', async () => {
  const { db, ask, client, end } = await served(50)
  await ask(startup)
  await ask(begin)

  await once(client, 'close')
  await until(() => !db.isInTransaction())
  await end()

  assert.match(db.rounds.at(-1) ?? '', 'ROLLBACK')
})

test('a connection without a transaction may say nothing for as long as it likes', async () => {
  const { ask, client, end } = await served(30)
  await ask(startup)
  await ask(sync)

  await sleep(120)

  assert.is(client.destroyed, false)
  await end()
})

test('a round that comes in whichever microtask after another is run', async () => {
  for (let microtasks = 0; microtasks < 20; microtasks++) {
    const { db, ask, accepted, end } = await served(20_000)
    await ask(startup)

    accepted[0]?.emit('data', sync)
    for (let passed = 0; passed < microtasks; passed++) await Promise.resolve()
    accepted[0]?.emit('data', sync)

    await until(() => db.rounds.length === 3)
    await end()
  }
})

test('nothing is run after close, also not the rollback of a transaction that was open', async () => {
  const { db, ask, accepted, end } = await served(20_000)
  await ask(startup)
  await ask(begin)
  const gone = once(accepted[0] as Socket, 'close')

  await end()
  await gone

  assert.is(db.rounds.length, 2)
})

test.run()

import { existsSync, linkSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { answers, Claim, FolderInUse, ownerOf, socketIn } from '../../../plugins/database/claim.ts'

const folder = (): string => mkdtempSync(join(tmpdir(), 'claim-'))
const take = (directory: string, owner = 'me') =>
  Claim.take(directory, owner, (socket) => socket.destroy())

async function give(directory: string, claim: Claim): Promise<void> {
  await new Promise((done) => claim.server.close(done))
  claim.release()
  rmSync(directory, { recursive: true })
}

/** What a process leaves that was killed: a socket that nobody listens on. */
async function leaveDeadSocket(directory: string): Promise<void> {
  const bound = join(directory, 'dead')
  const server = createServer()
  await new Promise<void>((done) => server.listen(bound, done))
  linkSync(bound, socketIn(directory))
  await new Promise((done) => server.close(done))
}

test('whoever takes a folder is named in it and answers on its socket', async () => {
  const directory = folder()
  const claim = await take(directory, 'process 7')

  assert.is(ownerOf(directory), 'process 7')
  assert.is(await answers(socketIn(directory)), true)

  await give(directory, claim)
})

test('a folder that is taken is refused', async () => {
  const directory = folder()
  const claim = await take(directory)

  const refusal: unknown = await take(directory).catch((error: unknown) => error)

  assert.instance(refusal, FolderInUse)
  assert.is(await answers(socketIn(directory)), true)
  await give(directory, claim)
})

test('a dead socket is taken over, and leaves nothing behind', async () => {
  const directory = folder()
  await leaveDeadSocket(directory)

  const claim = await take(directory)

  assert.is(await answers(socketIn(directory)), true)
  assert.equal(readdirSync(directory).toSorted(), ['.s.PGSQL.5432', 'owner'])
  await give(directory, claim)
})

test('of many who find a dead socket at once, one gets the folder', async () => {
  for (let round = 0; round < 5; round++) {
    const directory = folder()
    await leaveDeadSocket(directory)

    const all = await Promise.allSettled(Array.from({ length: 12 }, () => take(directory)))

    const won = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const lost = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    assert.is(won.length, 1)
    for (const reason of lost) assert.instance(reason, FolderInUse)
    for (const claim of won) await give(directory, claim)
  }
})

test('a folder that was given back has no socket', async () => {
  const directory = folder()
  const claim = await take(directory)
  await new Promise((done) => claim.server.close(done))

  claim.release()

  assert.is(existsSync(socketIn(directory)), false)
  rmSync(directory, { recursive: true })
})

test.run()

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adopt, exited } from '../harness/ending.ts'
import { embeddedFolder } from '../plugins/database/embedded-folder.ts'
import { started } from '../plugins/database/started.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const rounds = Math.ceil(3 * scale)
const writer = fileURLToPath(
  new URL(`./database-writer${extname(import.meta.url)}`, import.meta.url),
)

/** Runs the writer and kills it; returns the last number that it printed, and whether it got to write. */
async function writeAndKill(dataDir: string, pick: () => number, from: 'start' | 'open') {
  const child = adopt(spawn(process.execPath, [...process.execArgv, writer, dataDir]))
  let said = ''
  child.stderr?.pipe(process.stderr)
  const writes = new Promise<void>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (/^open\n\d+\n/m.test(said)) resolve()
    })
  })
  if (from === 'open') await Promise.race([writes, exited(child)])
  await sleep(pick())
  child.kill('SIGKILL')
  await exited(child)
  const numbers = said
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== 'open')
  return { opened: said.includes('open\n'), last: Number(numbers.at(-1) ?? 0) }
}

test(`${String(rounds)} × kill -9 while it writes loses nothing that was acknowledged`, async () => {
  const dataDir = await embeddedFolder()
  const acknowledged: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { opened, last } = await writeAndKill(dataDir, () => 50 + Math.random() * 700, 'open')
    assert.ok(opened, `round ${String(round)}: it did not open`)
    acknowledged.push(last)
  }

  const { connections, plugin } = await started({ dataDir })
  const numbers = await connections.knex('written').orderBy('number').pluck<number[]>('number')
  const halves = await connections.knex('written').whereRaw('pair <> -number')

  const most = Math.max(...acknowledged)
  console.log(
    `# ${String(rounds)} kills, ${String(most)} rows acknowledged, ${String(numbers.length)} found`,
  )
  assert.ok(most > 0)
  assert.ok((numbers.at(-1) ?? 0) >= most)
  assert.equal(
    numbers,
    Array.from(numbers, (_, index) => index + 1),
  )
  assert.equal(halves, [])
  await plugin.stop()
  await rm(dataDir, { recursive: true })
})

test('a kill -9 while the database is made leaves a folder that opens', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ado-'))
  await writeAndKill(dataDir, () => 1_500 + Math.random() * 3_000, 'start')

  const { connections, plugin } = await started({ dataDir })

  assert.equal((await connections.knex.raw('select 1 as one')).rows, [{ one: 1 }])
  await plugin.stop()
  await rm(dataDir, { recursive: true })
})

test.run()

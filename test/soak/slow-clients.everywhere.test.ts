/** Debian's slowhttptest against a real server with the deadlines that it has when nobody sets any. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { binary } from '../harness/binaries.ts'
import { adopt, end, exited } from '../harness/ending.ts'
import { startServer, type ServerProcess } from '../harness/process.ts'
import { skip } from '../harness/skip.ts'

const tool =
  binary('slowhttptest') ?? skip('slowhttptest', 'sudo apt-get install slowhttptest (Debian)')

const folder = fileURLToPath(new URL('../fault/crowd', import.meta.url))
/** As seen from the folder of the manifest, which lies among the temporary ones. */
const crowd = relative(join(tmpdir(), 'a-server'), folder)
const manifest = `
server: { port: 0, operations: '127.0.0.1:0', dataDir: '\${DATA_DIR}' }
plugins:
  crowd: { from: '${crowd}' }
`
const clients = 300
/** Of slowhttptest itself: how long it goes on when the server holds its clients. */
const patienceSeconds = 60

let server: ServerProcess
test.before(async () => {
  server = await startServer({ manifest })
})
test.after(async () => void (await server.stop()))

interface Attack {
  readonly child: ChildProcess
  readonly output: () => string
}

function attack(words: readonly string[]): Attack {
  let output = ''
  const child = adopt(spawn(tool, words, { cwd: server.home, stdio: ['ignore', 'pipe', 'pipe'] }))
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return { child, output: () => output }
}

/** Somebody who means well, all the while: the slowest answer in ms. */
async function slowestAnswerUntil(over: Promise<unknown>): Promise<number> {
  let isOver = false
  void over.then(() => (isOver = true))
  let slowest = 0
  while (!isOver) {
    const began = performance.now()
    const { status } = await fetch(`${server.url}/short?ms=1`)
    assert.is(status, 200)
    slowest = Math.max(slowest, performance.now() - began)
    await sleep(200)
  }
  return slowest
}

/** Connections that the server's process holds, its two listeners not counted. */
function connections({ pid }: ServerProcess): number {
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return '' // closed meanwhile
    }
  })
  return targets.filter((target) => target.startsWith('socket:')).length
}

for (const [what, words, withinSeconds] of [
  ['headers', ['-H', '-u', '/short?ms=1'], 15],
  ['bodies', ['-B', '-t', 'POST', '-s', '8192', '-f', 'application/json', '-u', '/upload'], 35],
] as const)
  test(`${clients} clients with slow ${what} are gone by ${withinSeconds} s, and nobody else waits`, async () => {
    const target = words.map((word) => (word.startsWith('/') ? server.url + word : word))
    const { child, output } = attack([
      ...target,
      ...['-c', String(clients), '-r', String(clients), '-i', '5', '-l', String(patienceSeconds)],
    ])

    const slowest = await slowestAnswerUntil(exited(child))

    const told = stripVTControlCharacters(output())
    assert.match(told, 'No open connections left', told)
    const seconds = Number(/ended on (\d+)\w+ second/i.exec(told)?.[1])
    console.log(`slow ${what}: gone after ${seconds} s, slowest other answer ${slowest} ms`)
    assert.ok(seconds <= withinSeconds, `after ${seconds} s`)
    assert.not.match(told, /service available:\s+NO/)
    assert.ok(slowest < 2_000, `somebody else waited ${slowest} ms`)
  })

/** A silence of 60 s is looked for once in 60 s, and what the kernel took meanwhile counts as a word: twice, rarely thrice. */
const readersCutMs = 190_000

test('clients that read next to nothing are cut', async () => {
  const readers = 30
  const before = connections(server)
  const { child } = attack([
    ...['-X', '-u', `${server.url}/large`, '-c', String(readers), '-r', String(readers)],
    ...['-w', '8', '-y', '16', '-n', '5', '-z', '32', '-k', '1', '-l', '300'],
  ])
  while (connections(server) < before + readers) await sleep(50)
  const began = performance.now()

  const cut = (async () => {
    while (connections(server) >= before + readers / 10 && performance.now() - began < readersCutMs)
      await sleep(250)
  })()
  const slowest = await slowestAnswerUntil(cut)
  while (connections(server) > before + 2 && performance.now() - began < readersCutMs)
    await sleep(250)

  const tookMs = performance.now() - began
  console.log(`slow readers: cut after ${tookMs} ms, slowest other answer ${slowest} ms`)
  assert.ok(tookMs < readersCutMs, `held ${connections(server) - before} for ${tookMs} ms`)
  assert.ok(slowest < 2_000, `somebody else waited ${slowest} ms`)
  await end(child, 'SIGINT')
})

test.run()

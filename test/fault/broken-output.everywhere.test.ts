/** Outputs that take nothing: a disk that is full (`/dev/full`), a reader that left. */
import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, closeSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adopt, adoptFolder, end, exited } from '../harness/ending.ts'
import { command, inherited } from '../harness/process.ts'
import { until } from '../harness/until.ts'

const manifest = `
server: { port: 0, operations: '127.0.0.1:0', drain: 1s, dataDir: ./data }
plugins: {}
`

/** The command line with its standard output on a full disk, standard error as it comes. */
function onFullDisk(words: readonly string[]) {
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-')))
  writeFileSync(join(home, 'manifest.yaml'), manifest)
  const env = { ...inherited(), AUTODOCOPS_MANIFEST: join(home, 'manifest.yaml') }
  const [program, args] = command(words)
  const full = openSync('/dev/full', 'w')
  const child = adopt(spawn(program, args, { cwd: home, env, stdio: ['ignore', full, 'pipe'] }))
  closeSync(full)
  const told = { text: '' }
  child.stderr?.on('data', (chunk: Buffer) => (told.text += chunk.toString()))
  return { child, told }
}

test('a server whose log cannot be written says so once, answers, and ends when told to', async () => {
  const { child, told } = onFullDisk(['start'])
  const url = /public +(http\S+)/
  await until(() => url.test(told.text))
  const [, address = ''] = url.exec(told.text) ?? []

  const statuses: number[] = []
  for (let asked = 0; asked < 50; asked++) {
    const answer = await fetch(`${address}/none`)
    await answer.arrayBuffer()
    statuses.push(answer.status)
  }
  const code = await end(child)

  assert.equal([...new Set(statuses)], [404])
  assert.is(code, 0)
  assert.is(told.text.match(/the log cannot be written: .*no space left/gi)?.length, 1)
  assert.match(told.text, 'hint: free space on its disk')
})

test('a result that cannot be written is told in words, with the code 1', async () => {
  const { child, told } = onFullDisk(['schema'])

  const code = await exited(child)

  assert.is(code, 1)
  assert.match(told.text, /^standard output cannot be written: .*no space left/i)
  assert.not.match(told.text, /\n +at /)
})

test('a reader that leaves early is no fault of a command', async () => {
  const [program, args] = command(['schema'])
  const child = adopt(spawn(program, args, { env: inherited(), stdio: ['ignore', 'pipe', 'pipe'] }))
  const told = { text: '' }
  child.stderr?.on('data', (chunk: Buffer) => (told.text += chunk.toString()))
  child.stdout?.destroy()

  const code = await exited(child)

  assert.is(code, 0)
  assert.is(told.text, '')
})

test.run()

/** The command blocks of the README, run as they stand (but for `npm ci` and `npm test`), on ports and data of our own. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adopt, adoptFolder, atEnd, end } from '../harness/ending.ts'
import { sparePort } from '../harness/ports.ts'
import { root } from '../harness/root.ts'

const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text ?? '')
const [starts = '', calls = '', tests = '', ...others] = blocks

const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-readme-')))
const [port, operations] = [await sparePort(), await sparePort()]
const env = {
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  PORT: String(port),
  OPERATIONS_ADDRESS: `127.0.0.1:${operations}`,
  DATA_DIR: join(home, 'data'),
}

/** The commands as a reader types them, at the ports of this test. */
const shell = (commands: string) =>
  promisify(execFile)(
    'bash',
    ['--norc', '-euc', commands.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)],
    {
      cwd: root,
      env,
      timeout: 180_000,
    },
  )

let seen = ''
const server = adopt(
  spawn('bash', ['--norc', '-euc', starts.replace('npm ci && npm start', 'exec npm start')], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  }),
)
server.stderr?.on('data', (chunk: Buffer) => (seen += chunk.toString()))
atEnd(() => end(server))

const isReady = () =>
  new Promise<void>((resolve, reject) => {
    const look = () => seen.includes('operations  http://') && resolve()
    server.stderr?.on('data', look)
    server.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${seen}`)))
  })

test('npm start shows on what each plugin runs, and both addresses', async () => {
  await isReady()

  assert.is(starts.trim(), 'npm ci && npm start')
  assert.match(seen, /✓ database +embedded PGlite/)
  assert.match(seen, `public      http://127.0.0.1:${port}`)
  assert.match(seen, `operations  http://127.0.0.1:${operations}`)
})

test('the three curl lines read a project, make one and ask the model', async () => {
  const { stdout } = await shell(calls)

  assert.is(calls.match(/^curl /gm)?.length, 3)
  assert.match(stdout, /"id":1,/)
  assert.match(stdout, /"name":"Handbook"/)
  assert.ok(stdout.length > stdout.indexOf('Handbook') + 150, stdout)
  assert.not.match(stdout, 'urn:autodocops:problem')
})

test('the line for the tests is the one that CI runs', () => {
  const ci = readFileSync(join(root, '.ci/run'), 'utf8')

  assert.is(tests.trim(), 'npm ci && npm test')
  assert.match(ci, /^npm test/m)
})

test('the other commands of the README end well', async () => {
  assert.ok(others.length > 0)
  for (const commands of others) await shell(commands)
})

test('SIGTERM to npm ends the server with 0', async () => {
  assert.is(await end(server), 0)
})

test.run()

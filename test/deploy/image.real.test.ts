/**
 * The image without an engine: the Dockerfile's own steps in a clean folder, its entrypoint and health check as its
 * numeric user, with the environment and the secret files that docker-compose.yml gives.
 */
import type { ChildProcess } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder, end, exited } from '../harness/ending.ts'
import { sparePort } from '../harness/ports.ts'
import { postgres } from '../harness/postgres.ts'
import { run } from '../harness/process.ts'
import { redis } from '../harness/redis.ts'
import { environmentOf, production } from './compose-files.ts'
import { Image } from './image.ts'

const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-image-')))
const database = new URL((await postgres()).url)
const { url: redisUrl } = await redis()
const image = new Image(home)
const secrets = join(home, 'secrets')
const [port, operations] = [await sparePort(), await sparePort()]
const main = image.entrypoint
let server: ChildProcess | undefined
let output = ''

function writeSecrets(): void {
  mkdirSync(secrets, { mode: 0o755 })
  const password = database.password || 'none-is-asked-for'
  for (const name of Object.keys(production.secrets)) {
    const file = join(secrets, name)
    writeFileSync(file, `${name === 'postgres_password' ? password : `${name}-`.repeat(4)}\n`)
    chmodSync(file, 0o444)
  }
}

/** As docker-compose.yml says, but for the names that only its network knows. */
const environment = () => ({
  ...Object.fromEntries(
    Object.entries(environmentOf('api', [production], { PORT: String(port) })).map(
      ([name, value]) => [name, value.replace('/run/secrets', secrets)],
    ),
  ),
  DATA_DIR: image.at('/data'),
  DB_HOST: decodeURIComponent(database.hostname) || (database.searchParams.get('host') ?? ''),
  DB_PORT: database.port || '5432',
  DB_NAME: database.pathname.slice(1),
  DB_USERNAME: database.username || 'postgres',
  REDIS_URL: redisUrl,
  OPERATIONS_ADDRESS: `0.0.0.0:${operations}`,
})

async function ended(child: ChildProcess) {
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const code = await exited(child)
  return { code, text }
}

const health = async () => (await ended(image.run(image.healthcheck, environment()))).code

const filesOf = (folder: string) =>
  readdirSync(image.at(folder), { recursive: true, encoding: 'utf8' }).sort()

test('without its secret files it does not start, and names each of them', async () => {
  const { code, text } = await ended(image.run([...main, 'start'], environment()))

  assert.is(code, 78, text)
  for (const name of ['JWT_SECRET_KEY', 'SESSION_SECRET', 'OPERATIONS_TOKEN', 'DB_PASSWORD'])
    assert.match(text, `the file named by ${name}_FILE cannot be read`)
})

test('the one-shot migrates the database, and a second time finds nothing to do', async () => {
  writeSecrets()
  const command = production.services['migrate']?.command ?? []
  const first = await ended(image.run([...main, ...command], environment()))
  const again = await ended(image.run([...main, ...command], environment()))

  assert.is(first.code, 0, first.text)
  assert.match(first.text, /^projects: [1-9]\d* applied, 0 pending/m)
  assert.is(again.code, 0, again.text)
})

test('the health check fails while nobody listens', async () => {
  assert.is(await health(), 1)
})

test('it starts as its numeric user, and the health check sees it ready', async () => {
  server = image.run([...main, ...image.command], environment())
  for (const stream of [server.stdout, server.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  for (let tries = 0; tries < 240 && (await health()) !== 0; tries++) await sleep(500)

  assert.is(await health(), 0, output)
  assert.match(image.user, /^[1-9]\d*:[1-9]\d*$/)
  assert.is((await fetch(`http://127.0.0.1:${port}/api/projects/1`)).status, 200)
})

test('Prometheus is let in with the token of its secret file, and nobody without', async () => {
  const metrics = `http://127.0.0.1:${operations}/metrics`
  const authorization = `Bearer ${'operations_token-'.repeat(4)}`

  assert.is((await fetch(metrics)).status, 401)
  assert.is((await fetch(metrics, { headers: { authorization } })).status, 200)
})

test('SIGTERM ends it with 0, and all that it wrote is in /data', async () => {
  const before = filesOf('/app')
  const code = server && (await end(server, 'SIGTERM', 30_000))

  assert.is(code, 0, output)
  assert.equal(filesOf('/app'), before)
})

test('a plugin of the user in my-plugins finds autodocops, and its tests pass in the image', async () => {
  const elsewhere = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-plugin-')))
  const made = await run(['new-plugin', 'hello'], { home: elsewhere })
  cpSync(join(elsewhere, 'my-plugins'), image.at('/app/my-plugins'), { recursive: true })
  const { code, text } = await ended(image.run(['node', 'my-plugins/hello/test.js'], {}))

  assert.is(made.code, 0, made.stderr)
  assert.is(code, 0, text)
  assert.match(text, /Passed: +[1-9]/)
})

test('everything ends', () => {
  // Tens of thousands of files: to delete them is work of the test, not of its last breath.
  rmSync(home, { recursive: true, force: true, maxRetries: 20 })

  assert.not.ok(existsSync(home))
})

test.run()

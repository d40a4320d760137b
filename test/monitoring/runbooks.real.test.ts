/** What a runbook tells somebody at night to type works as it stands, on a server with Postgres and Redis. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { binary } from '../harness/binaries.ts'
import { adopt, exited } from '../harness/ending.ts'
import { postgres } from '../harness/postgres.ts'
import { run, startServer } from '../harness/process.ts'
import { privateRedis } from '../harness/redis.ts'
import { isCompiled, root } from '../harness/root.ts'
import { skip } from '../harness/skip.ts'

for (const program of ['psql', 'redis-cli', 'curl'])
  if (binary(program) === undefined)
    skip(program, 'apt-get install postgresql-client redis-tools curl')

const folder = join(root, 'docs/runbooks')
const pages = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))

/** Those of the blocks, and those that stand in a sentence. */
const commands = new Set(
  pages.flatMap((text) => [
    ...[...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, lines = '']) =>
      lines.trim().split('\n'),
    ),
    ...[...text.matchAll(/`(autodocops [^`]+)`/g)].map(([, command = '']) => command),
  ]),
)
const queries = pages.flatMap((text) =>
  [...text.matchAll(/`((?:select|show) [^`]+)`/g)].map(([, query = '']) => query),
)

/** What ends with 1 here, by what it then says: on Postgres a backup is Postgres' own, and no event is dead. */
const refusals: Readonly<Record<string, string>> = {
  'autodocops backup': 'pg_dump --format=custom',
  'autodocops billing events replay --dead': '0 will be worked again',
}

const env = {
  DATABASE_URL: (await postgres()).url,
  REDIS_URL: (await privateRedis()).url,
  JWT_SECRET_KEY: 'monitoring-7d1e5a60b2c94e8f8d35c1f0',
  BILLING_FAKE_PORT: '0',
}
const manifest = readFileSync(join(root, 'config/manifest.yaml'), 'utf8')
const server = await startServer({ env, manifest })
const { host } = new URL(server.operationsUrl)

const verb = (words: readonly string[]) => run(words, { env, manifest, home: server.home })

/** A subscription leaves events of Stripe behind, that can be shown and replayed. */
async function eventOf(user: string): Promise<string> {
  const authorization = `Bearer ${(await verb(['token', '--sub', user])).stdout.trim()}`
  const headers = { authorization, 'content-type': 'application/json' }
  const asked = { method: 'POST', headers, body: JSON.stringify({ plan: 'pro' }) }
  const reply = await fetch(`${server.url}/billing/checkout`, asked)
  const text = await reply.text()
  if (!reply.ok) throw new Error(`${reply.status} ${text}\n${server.output}`)
  const { url } = JSON.parse(text) as { url: string }
  await fetch(url, { method: 'POST', redirect: 'manual' })
  for (let tries = 0; tries < 100; tries += 1) {
    const [id] = /evt_\w+/.exec((await verb(['billing', 'events', 'list'])).stdout) ?? []
    if (id !== undefined) return id
  }
  throw new Error('there is no event')
}

const event = await eventOf('alice')

/** As it stands, but for what the reader fills in and the address. */
const filled = (command: string) =>
  command
    .replaceAll('localhost:9464', host)
    .replaceAll('localhost:8080', new URL(server.url).host)
    .replaceAll(/\bNAME\b/g, 'docs')
    .replaceAll(/\bPID\b/g, '0')
    .replaceAll(/\bID\b/g, event)

/** The command line is that of this test; a reply of 4xx or 5xx is a failure. */
const [flags, main] = isCompiled
  ? ['', 'dist/core/cli/main.js']
  : ['--conditions=source', 'core/cli/main.ts']
const shell = `
autodocops() { '${process.execPath}' ${flags} '${join(root, main)}' "$@"; }
curl() { command curl --fail "$@"; }`

async function failureOf(command: string): Promise<string[]> {
  const script = `${shell}\n${filled(command)}`
  const child = adopt(
    spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
      cwd: server.home,
      env: {
        ...env,
        PATH: process.env['PATH'],
        HOME: server.home,
        DATA_DIR: join(server.home, 'data'),
        AUTODOCOPS_MANIFEST: join(server.home, 'manifest.yaml'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const code = await exited(child)
  const refusal = refusals[command]
  const isGood = refusal === undefined ? code === 0 : code === 1 && output.includes(refusal)
  return isGood ? [] : [`${command}: ${code}\n${output}`]
}

test('every command of a runbook ends well', async () => {
  assert.ok(commands.size >= 25, `${commands.size}`)
  // What changes the manifest comes last, so that the rest sees the one of the start.
  const changes = [...commands].filter((one) => one.includes('--apply'))
  const rest = [...commands].filter((one) => !changes.includes(one))

  const failures: string[] = []
  const next = [...rest].values()
  const worker = async () => {
    for (const command of next) failures.push(...(await failureOf(command)))
  }
  await Promise.all([worker(), worker()])
  for (const command of changes) failures.push(...(await failureOf(command)))

  assert.equal(failures, [])
})

test('every statement that a runbook gives to Postgres is one', async () => {
  assert.ok(queries.length >= 2)
  const failures = queries.map((query) =>
    failureOf(`psql -v ON_ERROR_STOP=1 "$DATABASE_URL" -c '${query}'`),
  )

  assert.equal((await Promise.all(failures)).flat(), [])
})

test('the server ends', async () => {
  assert.is(await server.stop(), 0)
})

test.run()

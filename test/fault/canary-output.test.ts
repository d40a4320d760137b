/** What a client sends and what the environment holds is in no output, at the most talkative level that there is. */
import { connect } from 'node:net'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from '../harness/postgres.ts'
import { run, startServer } from '../harness/process.ts'
import { until } from '../plugins/cache/rig.ts'
import { manifestOf, secrets } from './canaries.ts'

const sent = {
  authorization: 'Bearer canaryBearer-7d20',
  cookie: 'sid=canaryCookie-31fe',
  'stripe-signature': 't=1,v1=canarySignature-a94c',
  'x-api-key': 'canaryApiKey-60bb',
}
const body = 'canaryBody-b8e2'
const prompt = 'canaryPrompt-f37a'
const canary = /canary(?!Prompt)\w+-\w+/i

const manifestAt = (level: string) => manifestOf({ level })

const { url: database } = await postgres()
const env = { ...secrets, DATABASE_URL: database }
const server = await startServer({ manifest: manifestAt('info'), env })
const verb = (words: string[], level = 'info') =>
  run(words, { manifest: manifestAt(level), env, home: server.home })
const token = (await verb(['token', '--sub', 'alice'])).stdout.trim()
const json = { 'content-type': 'application/json' }
let replies = ''

async function tell(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, init)
  replies += JSON.stringify([...response.headers]) + (await response.text())
  return response.status
}

const levelOf = (line: string): unknown => Reflect.get(JSON.parse(line) as object, 'level')
const lines = (): string[] => server.output.split('\n').slice(0, -1)
const debugLines = (): number => lines().filter((line) => levelOf(line) === 'debug').length

async function askEverything(): Promise<void> {
  for (const [name, value] of Object.entries(sent))
    for (const path of ['/auth/keys', '/auth/session', '/billing/stripe-webhook', '/api/projects'])
      for (const text of [body, JSON.stringify({ name: body, token: body })]) {
        const headers = { ...json, [name]: value }
        await tell(server.url + path, { method: 'POST', headers, body: text })
      }
  await tell(`${server.url}/openapi.json`)
  const admin = { authorization: `Bearer ${secrets.OPERATIONS_TOKEN}` }
  for (const path of ['/metrics', '/admin/plugins', '/admin/plan', '/readyz?verbose'])
    await tell(server.operationsUrl + path, { headers: admin })
  await tell(`${server.operationsUrl}/admin/plugins`, { headers: sent })
}

/** A request that no parser takes: it is worth a line at debug, and none at info. */
const unreadable = () =>
  new Promise<void>((resolve) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('close', () => resolve()).on('error', () => {})
    socket.resume().end('NONSENSE\r\n\r\n')
  })

test('a reload that changes log.level is heard at once: debug lines come', async () => {
  await askEverything()
  await unreadable()
  assert.is(debugLines(), 0)

  const { code, stdout, stderr } = await verb(['reload'], 'debug')
  assert.is(code, 0, stdout + stderr)
  await unreadable()

  await until(() => debugLines() > 0)
})

test('a prompt is in no log line, metric or document', async () => {
  const headers = { ...json, authorization: `Bearer ${token}` }
  const init = { method: 'POST', headers, body: JSON.stringify({ query: prompt }) }
  for (const path of ['/chat', '/chat/stream'])
    assert.is((await fetch(server.url + path, init).then(drained)).status, 200)
  await askEverything()

  assert.not.match(server.output + replies, prompt)
})

async function drained(response: Response): Promise<Response> {
  await response.text()
  return response
}

test('config tells no secret, as text and as JSON', async () => {
  for (const words of [['config'], ['config', '--json']]) {
    const { code, stdout, stderr } = await verb(words, 'debug')

    assert.is(code, 0, stderr)
    assert.ok(stdout.includes('stripe') || stdout.includes('webhookSecret'), stdout)
    assert.not.match(stdout + stderr, canary)
  }
})

test('nothing that was sent and no secret is in any reply or line, and each line is JSON', async () => {
  assert.is(await server.stop(), 0)
  const { stdout, stderr } = await server.ended()

  for (const line of lines()) assert.type(levelOf(line), 'string')
  assert.ok(lines().length > 10)
  for (const [where, text] of Object.entries({ replies, stdout, stderr })) {
    assert.not.match(text, canary, where)
    assert.not.ok(text.includes(token), where)
  }
})

test.run()

/** The document of a real server: as its routes are, without a fault, and true. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { operationsOf } from '../../../plugins/docs/openapi.ts'
import type { ApiRequest, Placed } from '../../../plugins/docs/openapi.ts'
import { filled, needsToken } from '../../../plugins/docs/snippets.ts'
import { root } from '../../harness/root.ts'
import { isSaid, refusalsFirst } from './examples.ts'
import { documentedServer } from './open-server.ts'
import { ReplyCheck } from './reply-check.ts'

const { server, token, document } = await documentedServer()
const operations = operationsOf(document)
const check = new ReplyCheck(document)
test.after(async () => void (await server.stop()))

const spelled = ({ method, path }: Placed) => `${method} ${path}`

test('the document has exactly the routes that run', async () => {
  const reply = await fetch(`${server.operationsUrl}/admin/plugins`)
  const { plugins } = (await reply.json()) as { plugins: { routes: string[] }[] }
  const running = plugins
    .flatMap(({ routes }) => routes)
    .filter((route) => !/ \/(?:admin\/|metrics$|docs\/)/.test(route))
    .map((route) => route.replaceAll(/:(\w+)/g, '{$1}'))

  const ofCore = ['GET /healthz', 'GET /readyz']
  assert.equal(operations.map(spelled).toSorted(), [...ofCore, ...running].toSorted())
})

test('every operation has an id of its own, a summary, a known tag, a success, errors and an example', () => {
  const tags = new Set(document.tags.map(({ name }) => name))
  const lacking = operations.filter((operation) => {
    const statuses = Object.keys(operation.responses)
    const isWhole =
      operation.summary !== '' &&
      operation.tags?.every((tag) => tags.has(tag)) === true &&
      operation.tags.length > 0 &&
      statuses.some((status) => status.startsWith('2')) &&
      statuses.some((status) => status.startsWith('4')) &&
      operation['x-examples'].length > 0
    return !isWhole
  })

  assert.ok(operations.length > 30)
  assert.equal(lacking.map(spelled), [])
  assert.is(new Set(operations.map((one) => one.operationId)).size, operations.length)
})

test('Redocly finds no error in it', async () => {
  const file = join(server.home, 'openapi.json')
  writeFileSync(file, JSON.stringify(document))
  const words = ['node_modules/@redocly/cli/bin/cli.js', 'lint', file, '--format=json']
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }

  const { stdout } = await promisify(execFile)('node', words, { cwd: root, env }).catch(
    (error: { stdout: string }) => error,
  )

  const { totals } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { totals: { errors: number } }
  assert.is(totals.errors, 0, stdout)
})

async function send(operation: Placed, { headers = {}, ...request }: ApiRequest) {
  const query = new URLSearchParams(
    Object.entries(request.query ?? {}).map(([name, value]) => [name, String(value)]),
  )
  const hasBody = request.body !== undefined
  const reply = await fetch(`${server.url}${filled(operation.path, request)}?${query}`, {
    method: operation.method,
    headers: {
      ...(needsToken(operation) && { authorization: `Bearer ${token}` }),
      ...(hasBody && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(hasBody && { body: JSON.stringify(request.body) }),
  })
  return {
    status: reply.status,
    type: reply.headers.get('content-type') ?? '',
    text: await reply.text(),
  }
}

test('every example does what it says, and its reply is as documented', async () => {
  const wrong: string[] = []
  let sent = 0
  for (const one of refusalsFirst(operations)) {
    const { operation, example } = one
    const { status, type, text } = await send(operation, example)
    sent += 1
    const fault = isSaid(one, status)
      ? check.fault(operation, status, type, text)
      : `${status} ${text.slice(0, 200)}`
    if (fault !== undefined) wrong.push(`${spelled(operation)}, ${example.summary}: ${fault}`)
  }

  assert.equal(wrong, [])
  assert.ok(sent >= operations.length)
})

test.run()

import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { withLogContext } from '../../core/log-context.ts'
import { createLog } from '../../core/log.ts'
import type { LogLevel } from '../../core/log.ts'

function capture(level: LogLevel = 'info', pretty = false) {
  const lines: string[] = []
  const log = createLog({ level, pretty, stream: { write: (line) => void lines.push(line) } })
  const last = () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>
  return { log, lines, last }
}

test('a line has its time in ISO 8601, its level as a word and its message', () => {
  const { log, last } = capture()

  log.info({ durationMs: 1.5 }, 'served')

  const { time, ...rest } = last()
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(rest, { level: 'info', durationMs: 1.5, msg: 'served' })
})

test('a child carries its fields, and its level follows the root', () => {
  const { log, lines, last } = capture('warn')
  const child = log.child({ plugin: 'cache' })

  child.info('unheard')
  log.setLevel('info')
  child.info('heard')

  assert.is(lines.length, 1)
  assert.is(last()['plugin'], 'cache')
})

test('silent writes nothing', () => {
  const { log, lines } = capture('silent')

  log.error('x')

  assert.equal(lines, [])
})

test('the request id reaches every line of its asynchronous work, and no other', async () => {
  const { log, lines } = capture()
  const work = (requestId: string, waitMs: number) =>
    withLogContext({ plugin: 'a', requestId }, async () => {
      await sleep(waitMs)
      log.info(requestId)
    })

  await Promise.all([work('first-id', 10), work('second-id', 5)])
  log.info('outside')

  const seen = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.equal(
    seen.map(({ msg, requestId }) => `${String(msg)}: ${String(requestId)}`).toSorted(),
    ['first-id: first-id', 'outside: undefined', 'second-id: second-id'],
  )
})

test('an error is written with its code, stack and causes, and nothing else that hangs on it', () => {
  const { log, last } = capture()
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const error = Object.assign(new Error('no reply', { cause }), {
    request: { url: '/inner' },
    headers: { 'x-inner': 'inner' },
  })

  log.error({ err: error }, 'failed')

  const err = last()['err'] as Record<string, Record<string, unknown>>
  assert.equal(Object.keys(err).sort(), ['cause', 'message', 'stack', 'type'])
  assert.is(err['cause']?.['code'], 'ECONNREFUSED')
  assert.not.match(JSON.stringify(last()), 'inner')
})

test('a thrown value that is no error is written too', () => {
  const { log, last } = capture()

  log.error({ err: 'just text' }, 'failed')

  assert.equal(last()['err'], { type: 'string', message: 'just text' })
})

const secrets = {
  'an OpenAI key': 'sk-proj-abcDEF123456',
  'a Stripe key': 'sk_live_abcDEF123456',
  'a restricted Stripe key': 'rk_test_abcDEF123456',
  'a webhook secret': 'whsec_abcDEF123456',
  'a JWT': 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl',
}
const places: Readonly<Record<string, (secret: string) => [Record<string, unknown>, string]>> = {
  'in the message': (secret) => [{}, `got ${secret} here`],
  'at the start of a line': (secret) => [{}, `first\n${secret}\tlast`],
  'in quotes': (secret) => [{}, `"${secret}"`],
  'in a nested field': (secret) => [{ a: { b: [{ c: secret }] } }, 'x'],
  'in a URL': (secret) => [{ url: `https://a.example/?key=${secret}` }, 'x'],
  'in the message of an error': (secret) => [{ err: new Error(`bad ${secret}`) }, 'x'],
  'in a cause': (secret) => [{ err: new Error('a', { cause: new Error(secret) }) }, 'x'],
}
for (const [what, secret] of Object.entries(secrets))
  for (const [where, arrange] of Object.entries(places))
    test(`${what} ${where} is taken out, as JSON and on a terminal`, () => {
      for (const pretty of [false, true]) {
        const { log, lines } = capture('info', pretty)

        log.info(...arrange(secret))

        assert.is(lines.length > 0, true)
        assert.not.match(lines.join(''), secret.slice(6))
        assert.match(lines.join(''), '[redacted]')
      }
    })

test('fields that hold secrets are taken out at any depth, and their line stays JSON', () => {
  const { log, last } = capture()
  const hidden = 'p"l\\ain'
  const headers = { Authorization: hidden, cookie: [hidden, hidden], 'set-cookie': hidden }
  const config = { apiKey: hidden, JWT_SECRET_KEY: hidden, db: { password: hidden } }

  log.info({ headers, config, clientSecret: hidden, access_token: hidden, kept: 'kept' }, 'x')

  const text = JSON.stringify(last())
  assert.not.match(text, 'l\\\\ain')
  assert.is(last()['kept'], 'kept')
  assert.is(last()['clientSecret'], '[redacted]')
})

test('a password in a connection string is taken out, and its host stays', () => {
  const { log, last } = capture()

  log.info('cannot reach postgres://app:hunter2@db.example:5432/app')

  assert.is(last()['msg'], 'cannot reach postgres://app:[redacted]@db.example:5432/app')
})

test('ordinary words that look a little like secrets stay', () => {
  const { log, last } = capture()
  const msg = 'task-12345678 disk_usage_total risk-assessment http://a:80/b@c'

  log.info({ tokens: 12, usedTokens: 3 }, msg)

  assert.is(last()['msg'], msg)
  assert.is(last()['tokens'], 12)
})

test.run()

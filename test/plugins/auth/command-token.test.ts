import { test } from 'uvu'
import * as assert from 'uvu/assert'

import auth from '../../../plugins/auth/index.ts'
import { start } from './world.ts'

async function run(args: Readonly<Record<string, string | readonly string[]>>, json = false) {
  const instance = await start()
  const [out, err]: [string[], string[]] = [[], []]
  const io = { out: (line: string) => out.push(line), err: (line: string) => err.push(line), json }
  const code = await auth.commands['token']?.run(instance.services as never, args, io as never)
  return { code, out, err, instance }
}

test('it prints a token and nothing else', async () => {
  const { code, out, err, instance } = await run({ sub: 'alice', scope: ['a', 'b'], ttl: '10m' })

  assert.is(code, 0)
  assert.equal(err, [])
  assert.is(out.length, 1)
  const principal = await instance.services.auth.verify(out[0] ?? '')
  assert.equal(principal, { subject: 'alice', scopes: ['a', 'b'], via: 'jwt' })
  instance.clock.advance(600_000 + 5_000)
  await Promise.resolve()
    .then(() => instance.services.auth.verify(out[0] ?? ''))
    .then(
      () => assert.unreachable('it lives for longer than 10 minutes'),
      (error: unknown) => assert.is((error as { code?: string }).code, 'invalid_token'),
    )
  await instance.stop()
})

test('with --json it prints one JSON value', async () => {
  const { out, instance } = await run({ sub: 'alice' }, true)
  assert.type((JSON.parse(out.join('\n')) as { token: string }).token, 'string')
  await instance.stop()
})

test('a duration without a unit is a usage error that prints no token', async () => {
  const { code, out, err, instance } = await run({ sub: 'alice', ttl: '600' })
  assert.is(code, 2)
  assert.equal(out, [])
  assert.match(err.join('\n'), /ttl/)
  await instance.stop()
})

test.run()

/** Who asks while a plugin that reads credentials does not run, though it is on. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import type { Plan } from '../../core/plan.ts'
import { definePlugin } from '../../core/plugin.ts'
import { systemRandom } from '../../core/provide.ts'
import { until } from '../harness/until.ts'
import { about, get, hostOf, planOf } from './host-fixture.ts'

/** Knows one credential, which stands in that header; does not start while `fault` is set. */
function knowing(name: string, credential: 'authorization' | 'cookie', known: string) {
  const state = { fault: 'no keys' as string | undefined }
  const plugin = definePlugin({
    ...about,
    name,
    start: async () => {
      if (state.fault !== undefined) throw new Error(state.fault)
    },
    fills: {
      authenticator: {
        name,
        credential,
        scheme: { type: 'http' },
        authenticate: (_, { headers }) =>
          headers[credential] === known ? { subject: name, scopes: [], via: name } : undefined,
      },
    },
  })
  return { state, entry: { plugin, critical: false } }
}

const pages = definePlugin({
  ...about,
  name: 'pages',
  routes: ({ route }) =>
    (['public', 'optional', 'user'] as const).map((auth) =>
      route({
        ...get,
        auth,
        path: `/${auth}`,
        responses: { 200: z.unknown() },
        handler: (_, { principal }) => ({ subject: principal?.subject ?? null }),
      }),
    ),
})

async function served(plan: Plan) {
  // Without chance it is tried again after one second, then two.
  const { host } = hostOf(plan, { random: { ...systemRandom, float: () => 0 } })
  await host.boot()
  return async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(host.addresses.public + path, { headers })
    const body = (await response.json()) as Record<string, unknown>
    return { status: response.status, headers: response.headers, body }
  }
}

const bearer = { authorization: 'Bearer alice' }

test('a token is 503 with the name of the plugin that reads it, and 200 once that runs', async () => {
  const { state, entry } = knowing('keys', 'authorization', bearer.authorization)
  const ask = await served(planOf([entry, { plugin: pages }]))

  for (const path of ['/user', '/optional']) {
    const { status, headers, body } = await ask(path, bearer)
    assert.equal([status, body['code']], [503, 'plugin_unavailable'])
    assert.is(headers.get('retry-after'), '5')
    assert.match(String(body['hint']), 'The plugin keys')
  }
  state.fault = undefined
  await until(async () => (await ask('/user', bearer)).status === 200)

  assert.equal((await ask('/user', bearer)).body, { subject: 'keys' })
  assert.is((await ask('/user', { authorization: 'Bearer mallory' })).status, 401)
})

test('who needs no token, sends none, or is known to another is answered as ever', async () => {
  const lost = knowing('keys', 'authorization', bearer.authorization)
  const other = knowing('other', 'authorization', 'Bearer bob')
  other.state.fault = undefined
  const ask = await served(planOf([lost.entry, other.entry, { plugin: pages }]))

  assert.is((await ask('/public', bearer)).status, 200)
  assert.equal((await ask('/optional')).body, { subject: null })
  assert.is((await ask('/user')).status, 401)
  assert.is((await ask('/user', { cookie: 'sid=alice' })).status, 401)
  assert.equal((await ask('/user', { authorization: 'Bearer bob' })).body, { subject: 'other' })
})

test('a cookie that only it may know is 503 where a user is needed, and nobody where none is', async () => {
  const { entry } = knowing('visits', 'cookie', 'sid=alice')
  const ask = await served(planOf([entry, { plugin: pages }]))
  const cookie = { cookie: 'sid=alice' }

  const refused = await ask('/user', cookie)

  assert.equal([refused.status, refused.body['code']], [503, 'plugin_unavailable'])
  assert.match(String(refused.body['hint']), 'The plugin visits')
  assert.equal((await ask('/optional', cookie)).body, { subject: null })
  assert.is((await ask('/user', bearer)).status, 401)
})

test('code that cannot be loaded may have known any credential', async () => {
  const { entry } = knowing('keys', 'authorization', bearer.authorization)
  const plan = planOf([entry, { plugin: pages }])
  const [keys, ...rest] = plan.plugins
  if (keys === undefined) throw new Error('no keys')
  const load = () => Promise.reject(new Error('no such module'))
  const source = { ...keys.source, load }
  const ask = await served({ ...plan, plugins: [{ ...keys, source }, ...rest] })

  assert.is((await ask('/user', bearer)).status, 503)
  assert.is((await ask('/user', { cookie: 'sid=alice' })).status, 503)
  assert.is((await ask('/user')).status, 401)
})

test.run()

import type { BrowserContext } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { startServer } from '../harness/process.ts'
import type { ServerProcess } from '../harness/process.ts'
import {
  ask,
  browserThat,
  manifest,
  removeProfiles,
  secrets,
  tokenOf,
} from './sessions-chromium.ts'
import { Front } from './sessions-front.ts'

const partner = 'app.partner.test'
const [secure, plain] = [new Front('https'), new Front('http')]
let servers: readonly ServerProcess[] = []
let context: BrowserContext
let headers: { readonly authorization: string }

test.before(async () => {
  await secure.open()
  await plain.open()
  const env = { ...secrets, NODE_ENV: 'production', PUBLIC_URL: secure.origin('api.test') }
  const text = manifest([secure.origin(partner)], { partitioned: true })
  const starting = [
    startServer({ manifest: text, env }),
    startServer({ manifest: manifest([]), env: secrets }),
  ]
  headers = { authorization: `Bearer ${await tokenOf('alice')}` }
  context = await browserThat('keeps sites apart')
  servers = await Promise.all(starting)
  const [production, development] = servers
  secure.target = production?.url ?? ''
  plain.target = development?.url ?? ''
})
test.after(async () => {
  await context.close()
  removeProfiles()
  secure.close()
  plain.close()
  await Promise.all(servers.map((server) => server.stop()))
})

test('in development the Secure cookie is kept over plain http on localhost', async () => {
  const page = await context.newPage()
  await page.goto(`${plain.origin('localhost')}/page`)
  assert.is((await ask(page, '/auth/session', { method: 'POST', headers })).status, 201)

  const [cookie] = await context.cookies()

  assert.equal([cookie?.name, cookie?.secure], ['sid', true])
  assert.is((await ask(page, '/auth/session')).status, 200)
})

test('where browsers keep sites apart, a partitioned session works inside another site', async () => {
  const page = await context.newPage()
  await page.goto(`${secure.origin(partner)}/page`)
  const url = `${secure.origin('api.test')}/auth/session`

  assert.is((await ask(page, url, { method: 'POST', headers })).status, 201)
  const { status, body } = await ask(page, url)

  assert.equal([status, body.subject, body.via], [200, 'alice', 'session'])
})

test.run()

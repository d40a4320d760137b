/** `testPlugin`: a plugin alone, with doubles around it, asked through the whole pipeline. */
import { cls, definePlugin, events, optional, service, type Logger } from 'autodocops'
import { buildPlugin, testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

interface Clerk {
  readonly read: (id: string) => string
}
const Archive = service('archive').of<Clerk>()
const Copier = service('copier').of<{ copy: () => string }>()
const Desk = service('desk').of<Clerk>()
const DeskEvents = events<{ 'desk:read': { id: string } }>('desk')
const told: string[] = []

class Reader implements Clerk {
  readonly #archive: Clerk
  constructor({ archive, log }: { archive: Clerk; log: Logger }) {
    this.#archive = archive
    log.info({ shelf: 3 }, 'the desk is open')
  }
  read = (id: string) => `desk ${this.#archive.read(id)}`
}

const shared = { method: 'GET', limit: 'none', timeoutMs: 2_000 } as const
const Text = z.object({ text: z.string() })
const plugin = definePlugin({
  name: 'desk',
  version: '1.0.0',
  core: '^1',
  summary: 'Reads from an archive',
  config: z.strictObject({ shout: z.boolean().default(false) }),
  requires: { archive: Archive, copier: optional(Copier) },
  provides: { desk: Desk },
  services: { desk: cls(Reader) },
  start: () => void told.push('start'),
  stop: () => void told.push('stop'),
  doctor: ({ server }) => Promise.resolve([{ check: 'role', verdict: 'ok', saw: server.role }]),
  routes: ({ route, config }) => [
    route({
      ...shared,
      path: '/desk/:id',
      summary: 'Reads',
      auth: { scope: 'read' },
      params: z.object({ id: z.string() }),
      responses: { 200: Text },
      handler: ({ desk, copier, events: bus }, { params, principal }) => {
        bus.emit(DeskEvents, 'desk:read', { id: params.id })
        const text = `${principal.subject} ${desk.read(params.id)} ${copier?.copy() ?? 'no copy'}`
        return { text: config.shout ? text.toUpperCase() : text }
      },
    }),
  ],
  operations: ({ route }) => [
    route({
      method: 'GET',
      path: '/admin/desk',
      summary: 'Looks',
      timeoutMs: 1_000,
      responses: { 200: Text },
      handler: () => ({ text: 'for the operator' }),
    }),
  ],
  examples: { config: { valid: [{}], invalid: [] } },
})
const archive: Clerk = { read: (id) => `page ${id}` }
const ada = { as: { subject: 'ada', scopes: ['read'] } }

test('its routes are asked without a port: who asks, what is refused, what the operator sees', async () => {
  const tested = await testPlugin(plugin, { config: { shout: true }, services: { archive } })
  const heard = tested.heard(DeskEvents, 'desk:read')

  const stranger = await tested.inject({ url: '/desk/1' })
  const other = await tested.inject({ url: '/desk/1', as: { subject: 'bob', scopes: [] } })
  const good = await tested.inject({ url: '/desk/1', ...ada })
  const operator = await tested.inject({ url: '/admin/desk' })
  await tested.stop()

  assert.equal(
    [stranger, other, good, operator].map(({ status }) => status),
    [401, 403, 200, 200],
  )
  assert.equal(good.json(), { text: 'ADA DESK PAGE 1 NO COPY' })
  assert.equal(heard, [{ id: '1' }])
  assert.equal(
    tested.logs.map(({ level, message, fields }) => [level, message, fields['shelf']])[0],
    ['info', 'the desk is open', 3],
  )
})

test('a double takes the place of a service, by its name or its token, also of one that was absent', async () => {
  const tested = await testPlugin(plugin, { services: { archive } })
  const read = async () =>
    ((await tested.inject({ url: '/desk/1', ...ada })).json() as { text: string }).text

  const before = await read()
  tested.override(Desk, { read: () => 'double' })
  tested.override(Copier, { copy: () => 'copied' })
  const byToken = await read()
  tested.override('desk', { read: () => 'another' })
  const byName = await read()
  await tested.stop()

  assert.equal(
    [before, byToken, byName],
    ['ada desk page 1 no copy', 'ada double copied', 'ada another copied'],
  )
  assert.throws(
    () => tested.override(service('nobody').of<object>(), {}),
    "'desk' neither requires nor provides 'nobody'",
  )
})

test('what a start throws, and a config that is refused, are told as they are', async () => {
  const failing = { ...plugin, start: () => Promise.reject(new Error('no archive')) }
  const reason = (work: Promise<unknown>) =>
    work.then(
      () => 'started',
      (error: Error) => error.message,
    )

  assert.is(await reason(testPlugin(failing, { services: { archive } })), 'no archive')
  assert.match(await reason(testPlugin(plugin, { config: { shuot: true } })), 'shuot')
})

test('built and not started it can be examined, as doctor does it', async () => {
  told.length = 0
  const tested = await buildPlugin(plugin, { services: { archive } })

  const findings = await tested.examine()
  await tested.stop()

  assert.equal(findings, [{ check: 'role', verdict: 'ok', saw: 'examine' }])
  assert.equal(told, ['stop'])
})

test.run()

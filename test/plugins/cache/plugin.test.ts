import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { cls, definePlugin, own, reply } from 'autodocops'
import type { ServerFacts } from 'autodocops'
import type { CacheService } from 'autodocops/plugins/cache'
import { Cache } from 'autodocops/plugins/cache'
import type { RedisService } from 'autodocops/plugins/redis'
import { conformance, testPlugin } from 'autodocops/testing'
import * as z from 'zod'

import { commands } from '../../../plugins/cache/commands.ts'
import cachePlugin from '../../../plugins/cache/index.ts'
import { openCache } from './rig.ts'

interface Note {
  readonly id: number
  readonly text: string
  readonly owner: string
  readonly isPublic: boolean
}

/** What a database would hold. */
class Notes {
  queries = 0
  isDown = false
  readonly rows = new Map<number, Note>([
    [1, { id: 1, text: 'ä first', owner: 'alice', isPublic: true }],
    [2, { id: 2, text: 'private', owner: 'alice', isPublic: false }],
    [3, { id: 3, text: 'x'.repeat(1_100_000), owner: 'alice', isPublic: true }],
  ])

  find(id: number): Promise<Note | undefined> {
    this.queries++
    return this.isDown
      ? Promise.reject(new Error('no database'))
      : Promise.resolve(this.rows.get(id))
  }
}

const notesPlugin = definePlugin({
  name: 'notes',
  version: '1.0.0',
  core: '^1',
  summary: 'Notes, for the tests of replies from the cache',
  config: z.strictObject({ ttl: z.string().default('20m').describe('ttl') }),
  requires: { cache: Cache },
  internal: { notes: own<Notes>() },
  services: { notes: cls(Notes) },
  routes: ({ route, config }) => [
    route({
      method: 'GET',
      path: '/notes/:id',
      summary: 'One note',
      auth: 'optional',
      limit: 'none',
      timeoutMs: 5_000,
      params: z.object({ id: z.coerce.number() }),
      responses: { 200: z.object({ id: z.number(), text: z.string() }), 304: {}, 404: {} },
      handler: async ({ cache, notes }, request) => {
        const options = {
          namespace: 'notes',
          key: String(request.params.id),
          ttl: config.ttl,
          body: ({ id, text }: Note) => ({ id, text }),
          visible: (note: Note) => note.isPublic || note.owner === request.principal?.subject,
        }
        const found = await cache.respond(request, options, () => notes.find(request.params.id))
        return found ?? reply(404, { code: 'note_not_found' })
      },
    }),
  ],
  examples: { config: { valid: [{}], invalid: [] } },
})

async function open(config: object = {}) {
  const { cache, stop } = openCache()
  const app = await testPlugin(notesPlugin, { config, services: { cache } })
  const notes = app.services['notes'] as Notes
  const get = (id: number, headers: Record<string, string> = {}, as?: { subject: string }) =>
    app.inject({ method: 'GET', url: `/notes/${id}`, headers, ...(as ? { as } : {}) })
  return { cache, notes, get, stop: async () => (await app.stop(), stop()) }
}

test('a reply is a miss, then a hit with the same bytes and tag, and one query', async () => {
  const { get, notes, stop } = await open()

  const first = await get(1)
  const second = await get(1)
  await stop()

  assert.equal([first.status, first.headers['x-cache']], [200, 'MISS'])
  assert.equal([second.status, second.headers['x-cache']], [200, 'HIT-L1'])
  assert.is(second.text, '{"id":1,"text":"ä first"}')
  assert.is(second.text, first.text)
  assert.match(String(second.headers['content-type']), /^application\/json/)
  assert.is(second.headers['etag'], first.headers['etag'])
  assert.equal([second.headers['age'], second.headers['cache-control']], ['0', 'private, no-cache'])
  assert.is(notes.queries, 1)
})

test('C18: with its tag a reply is 304, without a body and without a query', async () => {
  const { get, notes, stop } = await open()
  const etag = String((await get(1)).headers['etag'])

  for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const same = await get(1, { 'if-none-match': header })
    assert.equal([same.status, same.text, same.headers['etag']], [304, '', etag], header)
    assert.is(same.headers['x-cache'], 'HIT-L1')
  }
  const other = await get(1, { 'if-none-match': '"other"' })
  await stop()

  assert.is(other.status, 200)
  assert.is(notes.queries, 1)
})

test('who may see a cached value is asked at every read, before the tag is compared', async () => {
  const { get, notes, stop } = await open()
  const owner = await get(2, {}, { subject: 'alice' })
  const etag = String(owner.headers['etag'])

  const stranger = await get(2, { 'if-none-match': etag }, { subject: 'mallory' })
  const nobody = await get(2, { 'if-none-match': '*' })
  await stop()

  assert.equal([owner.status, stranger.status, nobody.status], [200, 404, 404])
  assert.is(stranger.headers['etag'], undefined)
  assert.not.match(owner.text, /alice|owner/)
  assert.is(notes.queries, 1)
})

test('what is not there is not cached: it is found when it comes', async () => {
  const { get, notes, stop } = await open()

  const before = await get(4)
  notes.rows.set(4, { id: 4, text: 'new', owner: 'bob', isPublic: true })
  const after = await get(4)
  await stop()

  assert.equal([before.status, after.status], [404, 200])
})

test('a written value has another tag after its removal', async () => {
  const { cache, get, notes, stop } = await open()
  const etag = String((await get(1)).headers['etag'])

  notes.rows.set(1, { id: 1, text: 'second', owner: 'alice', isPublic: true })
  await cache.namespace('notes').remove('1')
  const after = await get(1, { 'if-none-match': etag })
  await stop()

  assert.equal([after.status, after.headers['x-cache']], [200, 'MISS'])
  assert.is(after.text, '{"id":1,"text":"second"}')
})

test('a database that is down is bridged by what is stale', async () => {
  const { cache, get, notes, stop } = await open()
  await get(1)
  await cache.namespace('notes').expire('1')
  notes.isDown = true

  const bridged = await get(1)
  const absent = await get(2)
  await stop()

  assert.equal([bridged.status, bridged.headers['x-cache']], [200, 'STALE'])
  assert.is(absent.status, 500)
})

test('a reply that is too large to keep goes out as a bypass', async () => {
  const { get, notes, stop } = await open()

  const replies = [await get(3), await get(3)]
  await stop()

  for (const { status, headers } of replies)
    assert.equal([status, headers['x-cache']], [200, 'BYPASS'])
  assert.is(notes.queries, 2)
})

test('the operations routes tell how the cache is, explain a key and clear a namespace', async () => {
  const app = await testPlugin(cachePlugin)
  const { cache } = app.services as unknown as { cache: CacheService }
  await cache.namespace('projects').set('1', { a: 1 }, { tags: ['project:1'] })
  await cache.namespace('projects').get('1')

  const status = await app.inject({ method: 'GET', url: '/admin/cache' })
  const explained = await app.inject({
    method: 'GET',
    url: '/admin/cache/explain?namespace=projects&key=1',
  })
  const malformed = await app.inject({ method: 'DELETE', url: '/admin/cache?namespace=a%20b' })
  const unnamed = await app.inject({ method: 'DELETE', url: '/admin/cache' })
  const cleared = await app.inject({ method: 'DELETE', url: '/admin/cache?namespace=projects' })
  const gone = await cache.namespace('projects').get('1')
  await app.stop()

  const { redis, entries, counts } = JSON.parse(status.text) as ReturnType<CacheService['status']>
  assert.equal([redis, entries, counts.memoryHits], ['off', 1, 1])
  assert.is((JSON.parse(explained.text) as { memory: string }).memory, 'fresh')
  assert.equal([malformed.status, unnamed.status], [400, 400])
  assert.equal(JSON.parse(cleared.text), { cleared: 1 })
  assert.is(gone, undefined)
})

async function command(args: Record<string, string>) {
  const { cache, stop } = openCache()
  const lines: string[] = []
  const io = {
    out: (line: string) => lines.push(line),
    err: (line: string) => lines.push(line),
    step: () => undefined,
    json: false,
  }
  const server = { operations: undefined } as unknown as ServerFacts
  const running = commands.cache.run({ cache, server }, { namespace: 'default', ...args }, io)
  const result = await running.catch((error: unknown) => (error as { code: string }).code)
  stop()
  return { result, lines }
}

test('the command asks the running server, and says so when there is none', async () => {
  assert.is((await command({ action: 'stats' })).result, 'cache_server_absent')
})

for (const [args, wrong] of [
  [{ action: 'clear', key: 'projects' }, /^'projects' is one too many; .*--namespace/],
  [{ action: 'stats', key: 'projects' }, /^'projects' is one too many/],
  [{ action: 'explain' }, /^<key> is missing/],
  [{ action: 'constructor' }, /^there is no action 'constructor'/],
] as const)
  test(`the command refuses ${Object.values(args).join(' ')}, and says what is wrong`, async () => {
    const { result, lines } = await command(args)

    assert.is(result, 2)
    assert.match(lines[0] ?? '', wrong)
    assert.match(lines[1] ?? '', /^usage: autodocops cache/)
  })

test('its health names what it stands on, and warns while Redis does not answer', async () => {
  const alone = await testPlugin(cachePlugin)
  const { redis, stop } = openCache({ redis: { url: 'redis://127.0.0.1:1' } })
  const without = await testPlugin(cachePlugin, { services: { redis: redis as RedisService } })

  const [well, down] = [await alone.health(), await without.health()]
  await Promise.all([alone.stop(), without.stop()])
  stop()

  assert.equal(Object.fromEntries(well), { store: { status: 'pass', detail: 'memory' } })
  assert.is(down.get('store')?.status, 'warn')
})

test.run()

conformance(cachePlugin)

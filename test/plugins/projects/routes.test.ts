import type { CacheService, RespondOptions } from 'autodocops/plugins/cache'
import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { ProjectEvents } from '../../../plugins/projects/contract.ts'
import projects from '../../../plugins/projects/index.ts'
import { MemoryProjectStore } from './store-memory.ts'

const database = { kind: 'pglite', bind: (model: unknown) => model } as never

/** The plugin on a store in memory; the cache is what a test makes of it. */
async function book(cache?: CacheService) {
  const store = new MemoryProjectStore()
  const services = { ...projects.services, store: () => store }
  const doubles = { database, ...(cache === undefined ? {} : { cache }) }
  return { plugin: await testPlugin({ ...projects, services }, { services: doubles }), store }
}

const ann = { subject: 'ann' }
const bob = { subject: 'bob' }
const { plugin } = await book()
const call = (method: string, url: string, body?: unknown, as?: { readonly subject: string }) =>
  plugin.inject({ method, url, ...(body === undefined ? {} : { body }), ...(as && { as }) })
const create = async (fields: object) =>
  (await call('POST', '/api/projects', fields, ann)).json() as { id: number }

test('anyone reads the demonstration project', async () => {
  const { status, json } = await call('GET', '/api/projects/1')

  assert.is(status, 200)
  assert.equal(json(), {
    id: 1,
    name: 'AutoDocOps',
    description: 'A public project to try the API with.',
    visibility: 'public',
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  })
})

test('a project is created private, at a place that is told', async () => {
  const { status, json, headers } = await call('POST', '/api/projects', { name: ' New ' }, ann)

  const { id } = json() as { id: number }
  assert.is(status, 201)
  assert.is(headers['location'], `/api/projects/${String(id)}`)
  assert.equal(
    await call('GET', `/api/projects/${String(id)}`, undefined, ann).then((r) => r.json()),
    json(),
  )
  assert.is((json() as { name: string }).name, 'New')
  assert.is((json() as { visibility: string }).visibility, 'private')
})

test('a private project is not there for others', async () => {
  const { id } = await create({ name: 'secret' })
  const url = `/api/projects/${String(id)}`

  for (const as of [undefined, bob]) {
    const { status, json } = await call('GET', url, undefined, as)
    assert.is(status, 404)
    assert.is((json() as { code: string }).code, 'project_not_found')
  }
  assert.is((await call('PATCH', url, { name: 'x' }, bob)).status, 404)
  assert.is((await call('DELETE', url, undefined, bob)).status, 404)
})

test('a public project of somebody else is read, not changed', async () => {
  const { id } = await create({ name: 'open', visibility: 'public' })
  const url = `/api/projects/${String(id)}`

  assert.is((await call('GET', url, undefined, bob)).status, 200)
  assert.is((await call('PATCH', url, { name: 'x' }, bob)).status, 403)
  assert.is((await call('DELETE', url, undefined, bob)).status, 403)
})

test('nobody changes the demonstration project', async () => {
  assert.is((await call('PATCH', '/api/projects/1', { name: 'x' }, ann)).status, 403)
  assert.is((await call('DELETE', '/api/projects/1', undefined, ann)).status, 403)
})

test('without a credential nothing is written', async () => {
  assert.is((await call('POST', '/api/projects', { name: 'x' })).status, 401)
  assert.is((await call('PATCH', '/api/projects/1', { name: 'x' })).status, 401)
  assert.is((await call('DELETE', '/api/projects/1')).status, 401)
})

test('its owner changes and deletes a project', async () => {
  const { id } = await create({ name: 'mine', description: 'stays' })
  const url = `/api/projects/${String(id)}`

  const changed = await call('PATCH', url, { name: 'still mine' }, ann)
  const removed = await call('DELETE', url, undefined, ann)

  const { name, description } = changed.json() as { name: string; description: string }
  assert.equal([changed.status, name, description], [200, 'still mine', 'stays'])
  assert.is(removed.status, 204)
  assert.is((await call('GET', url, undefined, ann)).status, 404)
})

test('a second project of one name is a conflict', async () => {
  await create({ name: 'once' })

  const { status, json } = await call('POST', '/api/projects', { name: 'once' }, ann)

  assert.equal([status, (json() as { code: string }).code], [409, 'project_name_taken'])
})

for (const id of ['0', '-1', '1.5', '01', 'abc', '2147483648', '99999999999', '1e3', '%201']) {
  test(`'${id}' names no project`, async () => {
    assert.is((await call('GET', `/api/projects/${id}`)).status, 404)
  })
}

for (const body of [
  {},
  { name: '' },
  { name: '  ' },
  { name: 'a\u0000b' },
  { name: 'x'.repeat(201) },
  { name: 'x', description: 'a\u0000b' },
  { name: 'x', visibility: 'secret' },
  { name: 'x', owner: 'bob' },
  { name: 'x', id: 7 },
]) {
  test(`${JSON.stringify(body).slice(0, 60)} makes no project`, async () => {
    assert.is((await call('POST', '/api/projects', body, ann)).status, 422)
  })
}

test('a change that changes nothing is refused', async () => {
  assert.is((await call('PATCH', '/api/projects/1', {}, ann)).status, 422)
})

for (const query of ['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'cursor=0', 'cursor=-1']) {
  test(`?${query} is no page`, async () => {
    assert.is((await call('GET', `/api/projects?${query}`)).status, 400)
  })
}

test('pages hold everything once, in order', async () => {
  const seen: number[] = []
  let cursor: string | null = null
  do {
    const after = cursor === null ? '' : `&cursor=${cursor}`
    const { json } = await call('GET', `/api/projects?limit=2${after}`, undefined, ann)
    const page = json() as { items: { id: number }[]; nextCursor: string | null }
    assert.ok(page.items.length <= 2)
    seen.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor
  } while (cursor !== null)

  assert.ok(seen.length > 4)
  assert.equal(
    seen,
    [...new Set(seen)].toSorted((a, b) => a - b),
  )
})

test('every write is told', async () => {
  const told = (['created', 'updated', 'deleted'] as const).map((fact) =>
    plugin.heard(ProjectEvents, `projects:${fact}`),
  )
  const { id } = await create({ name: 'told' })
  await call('PATCH', `/api/projects/${String(id)}`, { name: 'told again' }, ann)
  await call('DELETE', `/api/projects/${String(id)}`, undefined, ann)

  assert.equal(told, [[{ id }], [{ id }], [{ id }]])
})

test('the cache keeps the record, sends the DTO, and asks who may see it', async () => {
  const asked: RespondOptions<never>[] = []
  const respond = async (
    _request: unknown,
    options: RespondOptions<never>,
    load: () => unknown,
  ) => {
    asked.push(options)
    const value = (await load()) as never
    return options.visible?.(value) === true ? options.body?.(value) : undefined
  }
  const { plugin: cached } = await book({ respond } as never)

  const { status, json } = await cached.inject({ method: 'GET', url: '/api/projects/1' })

  assert.is(status, 200)
  assert.not.ok(Object.hasOwn(json() as object, 'owner'))
  const [{ key, namespace, ttl, tags } = {} as RespondOptions<never>] = asked
  assert.equal(
    { key, namespace, ttl, tags },
    { key: '1', namespace: 'projects', ttl: 1_200_000, tags: ['project:1'] },
  )
})

test('a write ends what is cached, after it is done', async () => {
  const order: string[] = []
  const namespace = (name: string) => ({
    removeByTag: async (...tags: string[]) => {
      const current = await store.find(2)
      order.push(`${name} ${tags.join()} ${current?.name ?? 'gone'}`)
    },
  })
  const { plugin: cached, store } = await book({ namespace } as never)
  const send = (method: string, url: string, body?: unknown) =>
    cached.inject({ method, url, as: ann, ...(body === undefined ? {} : { body }) })

  await send('POST', '/api/projects', { name: 'old' })
  await send('PATCH', '/api/projects/2', { name: 'new' })
  await send('DELETE', '/api/projects/2')

  assert.equal(order, ['projects project:2 new', 'projects project:2 gone'])
})

test.run()

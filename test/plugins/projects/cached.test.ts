/** A project through a real cache and a real database, whose statements are counted. */
import { rm } from 'node:fs/promises'

import type { DatabaseService } from 'autodocops/plugins/database'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { openCache } from '../cache/rig.ts'
import { embeddedFolder } from '../database/embedded-folder.ts'
import { started } from '../database/started.ts'
import { projectsOn } from './projects-on.ts'

const dataDir = await embeddedFolder()
const database = await started({ dataDir })
const cache = openCache()
const projects = await projectsOn(database, cache.cache)
const { knex } = database.plugin.services['database'] as DatabaseService

let queries = 0
knex.on('query', () => (queries += 1))

const at = (method: string, path: string) => ({
  method,
  url: `/api/projects${path}`,
  as: { subject: 'ann' },
})

const get = async (headers: Record<string, string> = {}) => {
  queries = 0
  const answer = await projects.inject({ method: 'GET', url: '/api/projects/1', headers })
  return { ...answer, queries, state: answer.headers['x-cache'] }
}

test('a project is read once; then it is a hit, and 304 without a query or a byte', async () => {
  const first = await get()
  const second = await get()
  const etag = String(first.headers['etag'])
  const same = await get({ 'if-none-match': etag })

  assert.equal([first.status, first.state], [200, 'MISS'])
  assert.ok(first.queries > 0)
  assert.equal([second.status, second.state, second.queries], [200, 'HIT-L1', 0])
  assert.equal(second.json(), first.json())
  assert.equal([same.status, same.state, same.queries], [304, 'HIT-L1', 0])
  assert.is(same.text, '')
})

test('what its owner writes is there at the next read', async () => {
  const made = await projects.inject({ ...at('POST', ''), body: { name: 'First' } })
  const one = `/${String((made.json() as { id: number }).id)}`
  await projects.inject(at('GET', one))
  const hit = await projects.inject(at('GET', one))

  const written = await projects.inject({ ...at('PATCH', one), body: { name: 'Second' } })
  const after = await projects.inject(at('GET', one))

  assert.equal([hit.headers['x-cache'], written.status], ['HIT-L1', 200])
  assert.is(after.headers['x-cache'], 'MISS')
  assert.is((after.json() as { name: string }).name, 'Second')
})

test('everything ends', async () => {
  await projects.stop()
  cache.stop()
  await database.plugin.stop()
  await rm(dataDir, { recursive: true })
})

test.run()

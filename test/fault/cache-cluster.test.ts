/** A Cluster that loses a node, hung or killed, under two instances: the others go on, and their news too. */
import process from 'node:process'

import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { redisCluster } from '../harness/redis.ts'
import type { Rig } from '../plugins/cache/rig.ts'
import { openShared, until } from '../plugins/cache/rig.ts'

const cluster = await redisCluster()
const admins = cluster.nodes.map((node) => new Redis({ ...node, retryStrategy: () => null }))
for (const admin of admins) {
  admin.on('error', () => {}) // of the one that is killed
  await admin.config('SET', 'cluster-require-full-coverage', 'no')
}
const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`)
const redis = { nodes, commandTimeout: '2s' }
const [lostNode, ...otherNodes] = admins as [Redis, ...Redis[]]
const pid = Number(/process_id:(\d+)/.exec(await lostNode.info('server'))?.[1])

/** Whether it stands on the node that is lost. */
const isOnLost = (at: string): Promise<boolean> =>
  lostNode.exists(at).then(
    () => true,
    () => false,
  )

/** Names whose place is on the node that is lost, or on another one. */
async function namesOn(where: 'lost' | 'other', place: (name: string) => string, count: number) {
  const names: string[] = []
  for (let i = 0; names.length < count; i++)
    if ((await isOnLost(place(`${where}${i}`))) === (where === 'lost')) names.push(`${where}${i}`)
  return names as [string, string, ...string[]]
}

const entryIn = (space: string) => (key: string) => `autodocops:cache:${space}:{${key}}`
const tagAt = (tag: string) => `autodocops:cache:#tag:{${tag}}`
/** Of the node that is lost: a busy machine may hold up another one. */
const outages = ({ witness }: Rig): number =>
  witness.lines.filter(
    ({ message, fields }) =>
      message === 'the cache goes on without Redis' && Reflect.get(fields, 'server') === nodes[0],
  ).length

const subscribedElsewhere = { ...redis, nodes: nodes.toReversed() }

/** Two that have used every node, and a namespace whose keys both have in memory. */
async function open(space: string, other = redis) {
  const rigs = [await openShared({ redis }), await openShared({ redis: other })] as const
  const [a, b] = [rigs[0].cache.namespace(space), rigs[1].cache.namespace(space)]
  const lost = await namesOn('lost', entryIn(space), 10)
  const others = await namesOn('other', entryIn(space), 20)
  const tags = [...(await namesOn('lost', tagAt, 1)), ...(await namesOn('other', tagAt, 1))]
  const keys = [...lost, ...others]
  const tagOf = (key: string) => ({ tags: [tags[lost.includes(key) ? 1 : 0] ?? ''], ttl: '1h' })
  for (const key of keys) await a.set(key, 'old', tagOf(key))
  await until(async () => {
    await b.getMany(keys)
    return rigs.every(({ cache }) => cache.status().entries === keys.length)
  })
  await until(() => rigs.every(({ cache }) => cache.status().redis === 'up'))
  return { rigs, a, b, lost, others, keys, tags }
}

test('of a node that hangs only its own keys are lost: the others are made, removed and told of as ever', async () => {
  const { rigs, a, b, lost, others, keys } = await open('hung', subscribedElsewhere)
  const before = outages(rigs[0])
  process.kill(pid, 'SIGSTOP')

  await a.remove(lost[0])
  await a.remove(others[0])
  const [left, right] = await Promise.all([a.getMany(keys), b.getMany(keys)])
  await until(async () => (await b.get(others[0])) === undefined)
  await until(async () => (await b.get(lost[0])) === undefined)
  await a.set(others[1], 'new', { ttl: '1h' })
  await until(async () => (await b.get(others[1])) === 'new')
  const made = await b.getOrSetMany([lost[0], others[0]], (missing) =>
    Promise.resolve(new Map(missing.map((key) => [key, 'made']))),
  )
  const { redis: state, pending } = rigs[0].cache.status()
  process.kill(pid, 'SIGCONT')
  await until(() => rigs.every(({ cache }) => cache.status().pending === 0))
  await until(() => rigs.every(({ cache }) => cache.status().redis === 'up'))

  for (const key of others.slice(1)) assert.ok(left.has(key) && right.has(key), key)
  assert.equal(Object.fromEntries(made), { [lost[0]]: 'made', [others[0]]: 'made' })
  assert.equal([state, pending > 0], ['down', true])
  assert.is(outages(rigs[0]) - before, 1, 'one line for one outage')
  const cold = await openShared({ redis })
  assert.is.not(await cold.cache.namespace('hung').get(lost[0]), 'old')
  for (const rig of [...rigs, cold]) rig.stop()
})

test('what a tag removed whose token stands on a node that hangs is gone on every instance', async () => {
  const { rigs, a, b, others, tags } = await open('tagged')
  process.kill(pid, 'SIGSTOP')

  await a.removeByTag(tags[0] ?? '')
  const here = await a.getMany(others)
  await until(async () => (await b.getMany(others)).size === 0)
  const made = await b.getOrSet(others[0], () => 'made', { tags: [tags[0] ?? ''], ttl: '1h' })
  process.kill(pid, 'SIGCONT')
  await until(() => rigs.every(({ cache }) => cache.status().pending === 0))

  assert.is(here.size, 0)
  assert.is(made, 'made')
  assert.is((await a.getMany(others.slice(1))).size, 0)
  assert.is((await b.getMany(others.slice(1))).size, 0)
  for (const rig of rigs) rig.stop()
})

test('a node that is killed takes its keys with it, and the others are shared and cleared as ever', async () => {
  const { rigs, a, b, lost, others } = await open('killed')
  for (const key of [...lost, ...others]) await a.expire(key)
  process.kill(pid, 'SIGKILL')
  let calls = 0
  const make = () => Promise.resolve(`made ${++calls}`)

  for (const key of [...lost, ...others]) await a.getOrSet(key, make, { ttl: '1h' })
  await until(async () => {
    const found = await b.getMany(others)
    return others.every((key) => found.get(key)?.toString().startsWith('made'))
  })
  await b.clear()

  assert.is(calls, lost.length + others.length)
  await until(async () => (await a.getMany([...lost, ...others])).size === 0)
  for (const node of otherNodes) assert.equal(await node.keys('*cache:killed:*'), [])
  await until(() => rigs.every(({ cache }) => cache.status().bus === 'up'))
  for (const rig of rigs) rig.stop()
})

test.after(() => cluster.stop())
test.run()

/** What `autodocops doctor` tells of connections: to servers that load, hang, refuse, or are no such thing. */
import { setTimeout as sleep } from 'node:timers/promises'

import { buildPlugin } from 'autodocops/testing'
import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import redisPlugin from '../../../plugins/redis/index.ts'
import { sparePort } from '../../harness/ports.ts'
import { privateRedis, redisCluster } from '../../harness/redis.ts'

const server = await privateRedis()

/** The first finding, in a line. */
async function findingOf(config: object, signal = AbortSignal.timeout(60_000)): Promise<string> {
  const tested = await buildPlugin(redisPlugin, {
    config: { commandTimeout: '30s', connectTimeout: '30s', ...config },
  })
  const [finding] = await tested.examine({ signal })
  await tested.stop()
  if (finding === undefined) throw new Error('it found nothing')
  return [finding.verdict, finding.saw, 'fix' in finding ? finding.fix : ''].join(' | ')
}

test('a Redis that takes its time is waited for as long as the examination lasts', async () => {
  const goOn = server.hang()
  const finding = findingOf({ url: server.url })
  await sleep(3_500)
  goOn()

  assert.match(await finding, /^ok \| Redis \d+\.\S+ answers/)
})

test('a Redis that hangs is told of when the examination ends', async () => {
  const goOn = server.hang()
  const finding = await findingOf({ url: server.url }, AbortSignal.timeout(500))
  goOn()

  assert.match(
    finding,
    /^failed \| no connection: .*(not ready to answer|nobody was there in time)/,
  )
})

test('a Redis that loads its data is there, and will answer', async () => {
  const events = ['--loading-process-events-interval-bytes', '1024']
  const loading = await privateRedis(['--key-load-delay', '5000', ...events])
  const client = new Redis(loading.url)
  const pairs = Array.from({ length: 8_000 }, (_, i) => [`k${i}`, 'v'.repeat(1_100)])
  await client.mset(pairs.flat())
  await client.save()
  client.disconnect()
  await loading.restart()

  const finding = await findingOf({ url: loading.url }, AbortSignal.timeout(3_000))

  assert.match(finding, /^failed \| no connection: it is there, and is not ready.* \| wait until/)
})

test('a node of a Cluster is no single server', async () => {
  const [node] = (await redisCluster()).nodes
  const finding = await findingOf({ url: `redis://127.0.0.1:${node?.port}` })

  assert.match(
    finding,
    /^failed \| it is a node of a Cluster.* \| .*plugins\.redis\.config\.nodes$/,
  )
})

test('each fault has its own advice', async () => {
  const admin = new Redis(server.url)
  await admin.call('ACL', 'SETUSER', 'mute', 'on', '>p', '~*', '&*', '+@all', '-info')
  admin.disconnect()
  const at = (login: string) => server.url.replace('//', `//${login}@`)
  const [node, nobody] = [`127.0.0.1:${server.port}`, `127.0.0.1:${await sparePort()}`]
  const faults: readonly (readonly [object, RegExp])[] = [
    [{ url: at('mute:q') }, /no connection: WRONGPASS.* \| mend user and password in REDIS_URL/],
    [{ url: at('mute:p') }, /it refuses: NOPERM.*info.* \| give the user of REDIS_URL the rights/],
    [{ url: `${server.url}/99` }, /DB index.* \| mend the number of the database in REDIS_URL/],
    [{ url: nobody }, /ECONNREFUSED.* \| start that Redis, or mend host and port in REDIS_URL/],
    [{ nodes: [nobody] }, /ECONNREFUSED.* \| start that Redis, .* in plugins\.redis\.config$/],
    [{ nodes: [node] }, /cluster support disabled \| give that Redis as url/],
    [
      { sentinels: { name: 'm', nodes: [nobody] } },
      /sentinel 127.* \| start .* plugins\.redis\.con/,
    ],
  ]

  for (const [config, rule] of faults) assert.match(await findingOf(config), rule)
})

test.run()

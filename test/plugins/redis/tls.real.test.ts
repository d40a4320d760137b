/** TLS to real servers, one, a Cluster and a master that Sentinels watch, with a certificate of a private authority, as a self-hoster has one. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { binary } from '../../harness/binaries.ts'
import { adoptFolder } from '../../harness/ending.ts'
import { sparePort } from '../../harness/ports.ts'
import { startCluster } from '../../harness/redis-cluster.ts'
import { privateRedis } from '../../harness/redis.ts'
import { watchedRedis } from '../../harness/sentinel.ts'
import { skip } from '../../harness/skip.ts'
import { until } from '../cache/rig.ts'

const call = promisify(execFile)
const program = binary('openssl') ?? skip('an openssl program', 'apt-get install openssl')
const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-tls-')))
const file = (name: string): string => join(home, name)
const openssl = (...args: string[]) => call(program, args, { cwd: home })
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

const authority = (name: string) =>
  openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', `${name}.key`, '-out', `${name}.crt`],
  )

/** For the names in `alternatives`, signed by `issuer`. */
async function certificate(name: string, issuer: string, alternatives: string): Promise<void> {
  await openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', 'csr')
  writeFileSync(file('extensions'), `subjectAltName=${alternatives}\n`)
  await openssl(
    ...['x509', '-req', '-in', 'csr', '-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`],
    ...['-CAcreateserial', '-days', '2', '-extfile', 'extensions', '-out', `${name}.crt`],
  )
}

const tlsOptions = (name: string, port: number): string[] => [
  ...[
    '--tls-port',
    String(port),
    '--tls-auth-clients',
    'no',
    '--tls-ca-cert-file',
    file('ours.crt'),
  ],
  ...['--tls-cert-file', file(`${name}.crt`), '--tls-key-file', file(`${name}.key`)],
]

async function startTls(name: string): Promise<number> {
  const port = await sparePort()
  await privateRedis(tlsOptions(name, port))
  return port
}

await authority('ours')
await authority('theirs')
await certificate('server', 'ours', 'DNS:localhost,IP:127.0.0.1')
await certificate('elsewhere', 'ours', 'DNS:redis.example.com')
const port = await startTls('server')
const misnamed = await startTls('elsewhere')

/** To each other, too. */
const onlyTls = (way: 'cluster' | 'replication') => (of: number) => [
  ...['--port', '0', `--tls-${way}`, 'yes'],
  ...tlsOptions('server', of),
]
const authorityOfOurs = readFileSync(file('ours.crt'), 'utf8')
const noRedis = (): never => skip('a redis-server program', 'apt-get install redis-server')
const cluster =
  (await startCluster({ options: onlyTls('cluster'), authority: authorityOfOurs })) ?? noRedis()
const nodesAt = (host: string) => cluster.nodes.map((node) => `${host}:${node.port}`)

const watched = await watchedRedis({
  options: onlyTls('replication'),
  authority: authorityOfOurs,
})
const sentinelsAt = (host: string) => ({
  name: watched.name,
  nodes: watched.nodes.map((node) => node.replace('127.0.0.1', host)),
})

interface Told {
  /** The values of the keys, each once, and the message. */
  readonly told: readonly string[]
  readonly health: { readonly status: string; readonly detail?: string }
}

async function connectTo(config: object, trusted?: string): Promise<Told & { stderr: string }> {
  const script = join(import.meta.dirname, 'tls-client.ts')
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
  const trust = trusted === undefined ? {} : { NODE_EXTRA_CA_CERTS: file(`${trusted}.crt`) }
  const args = ['--conditions=source', script, JSON.stringify(config)]
  const { stdout, stderr } = await call(process.execPath, args, { env: { ...env, ...trust } })
  return { ...(JSON.parse(stdout) as Told), stderr }
}

const allWorks = ['over TLS', 'heard over TLS']

for (const host of ['localhost', '127.0.0.1'])
  test(`rediss://${host} works when its authority is trusted`, async () => {
    const { told, health, stderr } = await connectTo({ url: `rediss://${host}:${port}` }, 'ours')

    assert.equal([told, health], [allWorks, { status: 'pass' }])
    assert.is(stderr, '')
  })

for (const trusted of ['theirs', undefined])
  test(`with ${trusted ? 'another authority' : 'no authority'} trusted it is refused, and told why`, async () => {
    const { told, health } = await connectTo({ url: `rediss://localhost:${port}` }, trusted)

    assert.equal([told, health.status], [[], 'fail'])
    assert.match(health.detail ?? '', /certificate/)
  })

test('a certificate of another host is refused, and told why', async () => {
  const { told, health } = await connectTo({ url: `rediss://localhost:${misnamed}` }, 'ours')

  assert.equal([told, health.status], [[], 'fail'])
  assert.match(health.detail ?? '', /not in the cert/)
})

for (const host of ['localhost', '127.0.0.1'])
  test(`a Cluster reached at ${host} works over TLS on every node`, async () => {
    const { told, health, stderr } = await connectTo({ nodes: nodesAt(host), tls: true }, 'ours')

    assert.equal([told, health], [allWorks, { status: 'pass' }])
    assert.is(stderr, '')
  })

test('a Cluster whose authority nobody trusts is refused, and told why', async () => {
  const { told, health } = await connectTo({ nodes: nodesAt('localhost'), tls: true })

  assert.equal([told, health.status], [[], 'fail'])
  assert.match(health.detail ?? '', /certificate/)
})

test('a Cluster asked without TLS on its TLS ports is refused', async () => {
  const { told, health } = await connectTo({ nodes: nodesAt('localhost') }, 'ours')

  assert.equal([told, health.status], [[], 'fail'])
})

test('a server that speaks no TLS is refused, and told why', async () => {
  const plain = await privateRedis()
  const { told, health } = await connectTo({ url: `rediss://127.0.0.1:${plain.port}` }, 'ours')

  assert.equal([told, health.status], [[], 'fail'])
  assert.ok((health.detail ?? '').length > 'cache: '.length)
})

for (const host of ['localhost', '127.0.0.1'])
  test(`the master that Sentinels at ${host} name is used over TLS, as are they`, async () => {
    const { told, health, stderr } = await connectTo(
      { sentinels: sentinelsAt(host), tls: true },
      'ours',
    )

    assert.equal([told, health], [allWorks, { status: 'pass' }])
    assert.is(stderr, '')
  })

test('Sentinels whose authority nobody trusts are refused, and named', async () => {
  const { told, health } = await connectTo({ sentinels: sentinelsAt('localhost'), tls: true })

  assert.equal([told, health.status], [[], 'fail'])
  // What their sockets said, ioredis drops.
  assert.match(health.detail ?? '', /failed to connect to sentinel localhost:\d+/)
})

for (const [what, ways] of Object.entries({
  'Sentinels and a master': { tls: false },
  Sentinels: { tls: true, sentinels: { tls: false } },
  'a master': { tls: false, sentinels: { tls: true } },
}))
  test(`${what} asked without TLS on their TLS ports are refused`, async () => {
    const sentinels = {
      ...sentinelsAt('127.0.0.1'),
      ...('sentinels' in ways ? ways.sentinels : {}),
    }
    const { told, health } = await connectTo({ ...ways, sentinels }, 'ours')

    assert.equal([told, health.status], [[], 'fail'])
  })

test('over TLS, too, the promoted replica is used when the master was killed', async () => {
  await watched.master.kill('SIGKILL')

  const config = { sentinels: sentinelsAt('127.0.0.1'), tls: true }
  await until(async () => (await connectTo(config, 'ours')).told.length === 2, 60_000)
})

test.after(() => cluster.stop())

test.run()

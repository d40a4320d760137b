/** `rediss://` to a real server with a certificate of a private authority, as a self-hoster has one. */
import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { binary } from '../../harness/binaries.ts'
import { adoptFolder } from '../../harness/ending.ts'
import { sparePort } from '../../harness/ports.ts'
import { privateRedis } from '../../harness/redis.ts'
import { skip } from '../../harness/skip.ts'

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

async function startTls(name: string): Promise<number> {
  const port = await sparePort()
  const pair = ['--tls-cert-file', file(`${name}.crt`), '--tls-key-file', file(`${name}.key`)]
  const clients = ['--tls-ca-cert-file', file('ours.crt'), '--tls-auth-clients', 'no']
  await privateRedis(['--tls-port', String(port), ...pair, ...clients])
  return port
}

await authority('ours')
await authority('theirs')
await certificate('server', 'ours', 'DNS:localhost,IP:127.0.0.1')
await certificate('elsewhere', 'ours', 'DNS:redis.example.com')
const port = await startTls('server')
const misnamed = await startTls('elsewhere')

interface Told {
  readonly value: string | null
  readonly health: { readonly status: string; readonly detail?: string }
}

async function connectTo(url: string, trusted?: string): Promise<Told & { stderr: string }> {
  const script = join(import.meta.dirname, 'tls-client.ts')
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
  const trust = trusted === undefined ? {} : { NODE_EXTRA_CA_CERTS: file(`${trusted}.crt`) }
  const args = ['--conditions=source', script, url]
  const { stdout, stderr } = await call(process.execPath, args, { env: { ...env, ...trust } })
  return { ...(JSON.parse(stdout) as Told), stderr }
}

for (const host of ['localhost', '127.0.0.1'])
  test(`rediss://${host} works when its authority is trusted`, async () => {
    const told = await connectTo(`rediss://${host}:${port}`, 'ours')

    assert.equal([told.value, told.health], ['over TLS', { status: 'pass' }])
    assert.is(told.stderr, '')
  })

for (const trusted of ['theirs', undefined])
  test(`with ${trusted ? 'another authority' : 'no authority'} trusted it is refused, and told why`, async () => {
    const { value, health } = await connectTo(`rediss://localhost:${port}`, trusted)

    assert.equal([value, health.status], [null, 'fail'])
    assert.match(health.detail ?? '', /certificate/)
  })

test('a certificate of another host is refused, and told why', async () => {
  const { value, health } = await connectTo(`rediss://localhost:${misnamed}`, 'ours')

  assert.equal([value, health.status], [null, 'fail'])
  assert.match(health.detail ?? '', /not in the cert/)
})

test('a server that speaks no TLS is refused, and told why', async () => {
  const plain = await privateRedis()
  const { value, health } = await connectTo(`rediss://127.0.0.1:${plain.port}`, 'ours')

  assert.equal([value, health.status], [null, 'fail'])
  assert.ok((health.detail ?? '').length > 'cache: '.length)
})

test.run()

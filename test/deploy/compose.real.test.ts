/** The compose files as Debian's docker-compose reads them: it needs no engine to merge, interpolate and judge. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'

import { binary } from '../harness/binaries.ts'
import { adoptFolder } from '../harness/ending.ts'
import { root } from '../harness/root.ts'
import { skip } from '../harness/skip.ts'
import { read } from './compose-files.ts'
import type { Compose } from './compose-files.ts'

const compose = binary('docker-compose') ?? skip('docker-compose', 'apt-get install docker-compose')
const base = ['-f', join(root, 'docker-compose.yml')]
const all = [...base, '-f', join(root, 'docker-compose.override.yml')]
const monitoring = ['--profile', 'monitoring']
const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-compose-')))

/** In a folder of our own: no .env of the person at the keyboard. */
const config = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Compose => {
  const args = ['--project-directory', home, ...words, 'config']
  const options = { cwd: home, env: { PATH: process.env['PATH'] ?? '', ...env } }
  return parse(execFileSync(compose, args, { ...options, encoding: 'utf8' })) as Compose
}

const publishedBy = ({ services }: Compose) =>
  Object.entries(services).flatMap(([name, { ports = [] }]) =>
    ports.map((port) => `${name} ${port}`),
  )

test('production is valid with and without monitoring, and publishes the API alone', () => {
  for (const words of [base, [...monitoring, ...base]])
    assert.equal(publishedBy(config(words)), ['api 127.0.0.1:8080:8080/tcp'])
})

test('development is valid, and publishes the rest on the loopback', () => {
  assert.equal(publishedBy(config([...monitoring, ...all])).sort(), [
    'api 127.0.0.1:12111:12111/tcp',
    'api 127.0.0.1:8080:8080/tcp',
    'grafana 127.0.0.1:3000:3000/tcp',
    'postgres 127.0.0.1:5432:5432/tcp',
    'prometheus 127.0.0.1:9090:9090/tcp',
    'redis 127.0.0.1:6379:6379/tcp',
  ])
})

test('Grafana has the password admin in development only', () => {
  const of = (files: readonly string[]) =>
    config([...monitoring, ...files]).services['grafana']?.environment ?? {}

  assert.is(of(all)['GF_SECURITY_ADMIN_PASSWORD'], 'admin')
  assert.is(of(base)['GF_SECURITY_ADMIN_PASSWORD'], undefined)
  assert.is(of(base)['GF_SECURITY_ADMIN_PASSWORD__FILE'], '/run/secrets/grafana_password')
})

test('another address and port are taken from the environment', () => {
  const { services } = config(base, { HOST: '0.0.0.0', PORT: '9000' })

  assert.equal(services['api']?.ports, ['0.0.0.0:9000:9000/tcp'])
  assert.is(services['api']?.environment?.['PORT'], '9000')
})

test('a slip of the pen is seen', () => {
  const file = join(home, 'broken.yml')
  writeFileSync(file, read('docker-compose.yml').replace('healthcheck:', 'helthcheck:'))

  assert.is.not(spawnSync(compose, ['-f', file, 'config', '--quiet'], { cwd: home }).status, 0)
})

test.run()

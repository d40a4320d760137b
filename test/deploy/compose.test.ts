/** What the compose files promise: nothing baked in, nothing open, nothing that drifts from the schemas. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'

import { root } from '../harness/root.ts'
import type { Service } from './compose-files.ts'
import { development, environmentOf, production, read, yamlOf } from './compose-files.ts'
import { instructionsOf } from './dockerfile.ts'

const base = read('docker-compose.yml')
const both = base + read('docker-compose.override.yml')
const services = Object.entries(production.services)
const known = new Set([...read('.env.example').matchAll(/^#(\w+)=/gm)].map(([, name]) => name))

/** The services of which something is not so. */
const whose = (isWrong: (service: Service, name: string) => boolean) =>
  services.filter(([name, service]) => isWrong(service, name)).map(([name]) => name)

test('the services are seen, monitoring in a profile of its own', () => {
  assert.equal(
    services.map(([name]) => name),
    ['api', 'migrate', 'postgres', 'redis', 'prometheus', 'grafana'],
  )
  assert.equal(
    whose(({ profiles }) => profiles?.includes('monitoring') === true),
    ['prometheus', 'grafana'],
  )
  assert.ok(known.size > 25)
})

test('every image is of one exact version, ours of the version of the package', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string }

  assert.equal(
    whose(({ image }) => !/:v?\d+\.\d+(\.\d+)?(-\w+)?$/.test(image ?? '')),
    [],
  )
  assert.is(production.services['api']?.image, `autodocops:${version}`)
})

test('no service runs as root, can write its own files, gain a privilege or keep a capability', () => {
  assert.equal(
    whose(({ user }) => !/^[1-9]\d*:\d+$/.test(user ?? '')),
    [],
  )
  assert.equal(
    whose((service) => service.read_only !== true || service.init !== true),
    [],
  )
  assert.equal(
    whose(({ cap_drop: drop }) => drop?.join() !== 'ALL'),
    [],
  )
  assert.equal(
    whose(({ security_opt: options }) => options?.join() !== 'no-new-privileges:true'),
    [],
  )
  assert.not.match(both, /privileged|cap_add|network_mode|pid: *host|docker\.sock/)
})

test('every service that stays is restarted and has a health check; the one that ends has neither', () => {
  const isOneShot = (name: string) => name === 'migrate'

  assert.equal(
    whose(({ restart }, name) => restart !== (isOneShot(name) ? 'no' : 'unless-stopped')),
    [],
  )
  assert.equal(
    whose(({ healthcheck }, name) => (healthcheck?.test === undefined) !== isOneShot(name)),
    [],
  )
})

test('in production the API alone is published, on the loopback unless HOST says otherwise', () => {
  assert.equal(
    whose(({ ports }) => ports !== undefined),
    ['api'],
  )
  assert.equal(production.services['api']?.ports, [
    '${HOST:-127.0.0.1}:${PORT:-8080}:${PORT:-8080}',
  ])
})

test('in production the API alone has a way out', () => {
  assert.is(production.networks['back']?.internal, true)
  assert.equal(
    whose(({ networks }) => networks?.join() !== 'back'),
    ['api'],
  )
})

test('development publishes on the loopback and nowhere else', () => {
  const ports = Object.values(development.services).flatMap((service) => service.ports ?? [])

  assert.is(ports.length, 5)
  assert.equal(
    ports.filter((port) => !port.startsWith('127.0.0.1:')),
    [],
  )
})

test('the base file holds no secret: each is a file that the service is given, or yours to set', () => {
  const wrong = services.flatMap(([name, { environment = {}, secrets = [] }]) =>
    Object.entries(environment)
      .filter(([key]) => /PASSWORD|SECRET|TOKEN|_KEY/.test(key))
      .filter(([key, value]) => {
        const file = /^\/run\/secrets\/(\w+)$/.exec(String(value))?.[1]
        return file === undefined ? value !== `\${${key}:-}` : !secrets.includes(file)
      })
      .map(([key, value]) => `${name}: ${key}=${value}`),
  )

  assert.equal(wrong, [])
  assert.equal(
    services.flatMap(([, { secrets = [] }]) => secrets).filter((name) => !production.secrets[name]),
    [],
  )
})

test('no secret lies in the repository: .gitignore and .dockerignore keep the folder out', () => {
  const files = Object.values(production.secrets).map(({ file }) => file)

  assert.equal(
    files.filter((file) => !file.startsWith('./secrets/')),
    [],
  )
  assert.match(read('.gitignore'), /^secrets\/$/m)
  assert.match(read('.dockerignore'), /^\*$/m)
  assert.not.match(read('.dockerignore'), /^!(secrets|\.env|docker|data)/m)
})

test('development needs no file that is not in the repository', () => {
  assert.equal(Object.keys(development.secrets), Object.keys(production.secrets))
  for (const { file } of Object.values(development.secrets)) assert.ok(existsSync(join(root, file)))
})

test('every ${NAME} in the compose files is in .env.example', () => {
  const names = [...both.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name = '']) => name)

  assert.ok(names.length > 20)
  assert.equal(
    names.filter((name) => !known.has(name) && !known.has(name.replace(/_FILE$/, ''))),
    [],
  )
})

test('every variable in .env.example is decided for the API and for the migrations', () => {
  for (const service of ['api', 'migrate']) {
    const given = environmentOf(service, [production])
    assert.equal(
      [...known].filter((name) => !(`${name}` in given) && !(`${name}_FILE` in given)),
      [],
    )
  }
})

test('nothing is in the environment of the API that no schema knows', () => {
  const given = Object.keys(environmentOf('api', [production, development]))

  assert.equal(
    given.filter((name) => !known.has(name) && !known.has(name.replace(/_FILE$/, ''))),
    [],
  )
})

test('the variables of a first .env lead from this machine to the published Postgres and Redis', () => {
  const { ports: postgres } = development.services['postgres'] ?? {}
  const given = environmentOf('postgres', [production, development])

  assert.equal(postgres, ['127.0.0.1:${DB_PORT:-5432}:5432'])
  assert.equal(development.services['redis']?.ports, ['127.0.0.1:6379:6379'])
  assert.is(given['POSTGRES_DB'], 'autodocops')
  assert.is(given['POSTGRES_USER'], 'postgres')
  assert.is(given['POSTGRES_PASSWORD'], 'postgres')
  assert.is(given['POSTGRES_PASSWORD_FILE'], '')
})

test('the containers get the password that .env gives to the server on this machine', () => {
  const env = { DB_PASSWORD: 'mine', DB_NAME: 'one', DB_USERNAME: 'me', DB_HOST: 'localhost' }
  const server = environmentOf('postgres', [production, development], env)
  const client = environmentOf('api', [production, development], env)

  assert.is(server['POSTGRES_PASSWORD'], client['DB_PASSWORD'])
  assert.is(server['POSTGRES_DB'], client['DB_NAME'])
  assert.is(server['POSTGRES_USER'], client['DB_USERNAME'])
  assert.is(client['DB_HOST'], 'postgres')
})

test('the API is given longer to end than the manifest lets it drain', () => {
  const { server } = parse(read('config/manifest.yaml')) as { server: { drain: string } }
  const seconds = (text = '') => Number(/^(\d+)s$/.exec(text)?.[1])

  assert.ok(
    seconds(production.services['api']?.stop_grace_period) >= seconds(server.drain) + 5,
    server.drain,
  )
})

test('the guide tells the times of an end as they are', () => {
  const { server } = parse(read('config/manifest.yaml')) as { server: { drain: string } }
  const guide = read('docs/guides/deploy.md')
  const told = /(\d+) s \(`server\.drain`\)/.exec(guide)?.[1]
  const ofSystemd = /TimeoutStopSec=(\d+)/.exec(guide)?.[1]

  assert.is(`${told}s`, server.drain)
  assert.is(`${ofSystemd}s`, production.services['api']?.stop_grace_period)
})

test('the API starts after the migrations are done and its stores are there', () => {
  const { depends_on: needs = {} } = production.services['api'] ?? {}

  assert.is(needs['migrate']?.condition, 'service_completed_successfully')
  assert.is(needs['postgres']?.condition, 'service_healthy')
  assert.is(needs['redis']?.condition, 'service_healthy')
})

test('what is mounted from the checkout exists, and is read only', () => {
  const mounts = services
    .flatMap(([, { volumes = [] }]) => volumes)
    .filter((volume) => volume.startsWith('./'))

  assert.ok(mounts.length >= 4)
  for (const mount of mounts) {
    const [host = '', , mode] = mount.split(':')
    assert.ok(existsSync(join(root, host)), host)
    assert.is(mode, 'ro', mount)
  }
})

test('the health check of the API is that of its image', () => {
  const ofImage = instructionsOf(read('Dockerfile')).find(({ word }) => word === 'HEALTHCHECK')
  const [, ...command] = production.services['api']?.healthcheck?.test ?? []

  assert.ok(command.length > 0)
  assert.ok(ofImage?.rest.endsWith(`CMD ${JSON.stringify(command).replaceAll('","', '", "')}`))
})

test('Prometheus reads in compose what it reads elsewhere, and finds the API by its name', () => {
  const { scrape_configs: scrape, ...inCompose } = yamlOf(
    'monitoring/prometheus/prometheus.compose.yml',
  ) as { scrape_configs: { authorization: unknown; dns_sd_configs: unknown }[] }
  const { scrape_configs: _elsewhere, ...alone } = yamlOf(
    'monitoring/prometheus/prometheus.yml',
  ) as Record<string, unknown>

  assert.equal(inCompose, alone)
  assert.is(scrape.length, 1)
  assert.equal(scrape[0]?.authorization, { credentials_file: '/run/secrets/operations_token' })
  assert.match(environmentOf('api', [production])['OPERATIONS_ADDRESS'] ?? '', ':9464')
})

test('both files are read by docker-compose 1 as well, which knows no top-level name', () => {
  assert.not.match(both, /^(name|version):/m)
  assert.not.match(both, /!(reset|override)\b|\$\{\w+:\+/)
})

test.run()

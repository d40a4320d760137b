/** Routes clash by the paths that they have, not by those that they would have with a default config. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { definePlugin } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { configuredClashes, type Routed } from '../../core/clashes.ts'
import { createHost } from '../../core/create-host.ts'
import { createLog } from '../../core/log.ts'
import { FaultsError, faultText } from '../../core/manifest/faults.ts'
import { sourceOf } from '../../core/sources.ts'
import { closedAfterwards } from '../harness/closing.ts'
import { folder } from './doctor-fixture.ts'
import { about, get, refusal } from './host-fixture.ts'

/** What was started, in order. */
const started: string[] = []

/** Answers with its name, at a path that its config decides. */
const answering = (name: string, path: string) =>
  definePlugin({
    name,
    ...about,
    config: z.strictObject({ path: z.string().default(path) }),
    routes: ({ route, config }) => [route({ ...get, path: config.path, handler: () => name })],
    start: () => void started.push(name),
  })
const plugins = [answering('first', '/a'), answering('second', '/a'), answering('third', '/c')]

/** With that path instead of the default one; its code is counted in `loaded`. */
function routed(name: string, path?: string, loaded: string[] = []): Routed {
  const plugin = plugins.find((one) => one.name === name) ?? assert.unreachable()
  const source = sourceOf(plugin as never)
  const load = () => {
    loaded.push(name)
    return source.load()
  }
  return { name, source: { ...source, load }, config: plugin?.config.parse(path ? { path } : {}) }
}

const clashing = async (...given: readonly Routed[]) =>
  (await configuredClashes(given)).map(({ plugins: [name, other] }) => `${name} with ${other}`)

test('two of one default path clash, until a config moves one of them away', async () => {
  assert.equal(await clashing(routed('first'), routed('second')), ['second with first'])
  assert.equal(await clashing(routed('first', '/b'), routed('second')), [])
  assert.equal(await clashing(routed('first'), routed('second', '/b')), [])
  assert.equal(await clashing(routed('first', '/b'), routed('second', '/b')), ['second with first'])
})

test('who is moved onto a third clashes there, unless the third has moved as well', async () => {
  const moved = [routed('first'), routed('second', '/c')]

  assert.equal(await clashing(...moved, routed('third')), ['third with second'])
  assert.equal(await clashing(...moved, routed('third', '/d')), [])
})

test('no code is loaded but of those that clash by their facts', async () => {
  const loaded: string[] = []

  await clashing(routed('first', '/b', loaded), routed('third', '/d', loaded))
  assert.equal(loaded, [])
  await clashing(...['first', 'second', 'third'].map((name) => routed(name, undefined, loaded)))
  assert.equal(loaded, ['first', 'second'])
})

test('of code that cannot be loaded, and beside a config with faults, the facts count', async () => {
  const load = () => Promise.reject(new Error('no such module'))
  const first = routed('first', '/b')
  const lost = { ...first, source: { ...first.source, load } }
  const faulty = { ...first, config: undefined }

  assert.equal(await clashing(lost, routed('second')), ['second with first'])
  assert.equal(await clashing(faulty, routed('second')), ['second with first'])
})

const manifest = (...lines: readonly string[]) =>
  [
    'server: { port: 0, operations: "127.0.0.1:0", drain: 1s }',
    'plugins:',
    ...lines.map((line) => `  ${line}`),
  ].join('\n')

/** A host on a manifest that is written anew, and who answers where. */
function hostOn(first: string) {
  const cwd = folder()
  const write = (text: string) => writeFileSync(join(cwd, 'config/manifest.yaml'), text)
  mkdirSync(join(cwd, 'config'))
  write(first)
  const log = createLog({ level: 'silent', pretty: false, stream: { write: () => undefined } })
  const sources = new Map(plugins.map((plugin) => [plugin.name, sourceOf(plugin as never)]))
  const host = createHost({ cwd, env: {}, log, sources })
  closedAfterwards(host, () => host.close(100))
  const answerOf = async (path: string) => (await fetch(`${host.addresses.public}${path}`)).text()
  return { host, write, answerOf }
}

const told = (error: Error) =>
  error instanceof FaultsError ? error.faults.map(faultText) : [String(error)]

test('a server starts whose plugins would clash by default, and each answers at its own path', async () => {
  const { host, answerOf } = hostOn(manifest('first: true', 'second: { config: { path: /b } }'))

  await host.boot()

  assert.equal([await answerOf('/a'), await answerOf('/b')], ['first', 'second'])
})

test('a server whose plugins clash by their configs does not start, and none of them does', async () => {
  const { host } = hostOn(manifest('first: true', 'third: { config: { path: /a } }'))
  started.length = 0

  const error = await refusal(host.boot())

  assert.match(
    told(error).join(),
    /^\S+:4:3 E_ROUTE_CLASH plugins\.third: route 'GET \/a'.*'first' already/,
  )
  assert.equal(started, [])
})

test('a reload takes over who moves out of the way, and refuses who moves into it before anything starts', async () => {
  const { host, write, answerOf } = hostOn(manifest('first: true', 'third: true'))
  await host.boot()

  write(manifest('first: true', 'second: { config: { path: /b } }', 'third: true'))
  await host.reload()
  const before = [...started]
  write(manifest('first: true', 'second: true', 'third: true'))
  const byDefault = await refusal(host.reload())
  write(
    manifest('first: true', 'second: { config: { path: /b } }', 'third: { config: { path: /b } }'),
  )
  const foreseen = await refusal(host.preview())
  const byConfig = await refusal(host.reload())

  assert.match(told(byDefault).join(), /4:3 E_ROUTE_CLASH plugins\.second: route 'GET \/a'/)
  assert.match(told(byConfig).join(), /5:3 E_ROUTE_CLASH plugins\.third: route 'GET \/b'/)
  assert.equal(told(foreseen), told(byConfig))
  assert.equal(started, before)
  assert.equal([await answerOf('/b'), await answerOf('/c')], ['second', 'third'])
})

test.run()

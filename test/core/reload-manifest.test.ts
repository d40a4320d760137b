/** Which manifest a reload takes: never the built-in one in the place of a file that is gone. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { definePlugin } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { createHost } from '../../core/create-host.ts'
import { createLog } from '../../core/log.ts'
import { FaultsError, faultText } from '../../core/manifest/faults.ts'
import { builtInSources, sourceOf } from '../../core/sources.ts'
import { closedAfterwards } from '../harness/closing.ts'
import { folder } from './doctor-fixture.ts'
import { about, refusal } from './host-fixture.ts'

/** All that the built-in manifest names; they take any config and do nothing. */
const sources = new Map(
  [...builtInSources().keys()].map((name) => [
    name,
    sourceOf(definePlugin({ name, ...about, config: z.looseObject({}) })),
  ]),
)
const server = "server: { port: 0, operations: '127.0.0.1:0' }\n"
const docsAlone = `${server}plugins: { docs: true }\n`

/** A host that runs, by the file of its folder or, without `text`, by the built-in one. */
async function running(text?: string) {
  const cwd = folder()
  const file = join(cwd, 'config', 'manifest.yaml')
  const write = (written: string, name = 'config/manifest.yaml') =>
    writeFileSync(join(cwd, name), written)
  mkdirSync(join(cwd, 'config'))
  if (text !== undefined) write(text)
  const host = createHost({
    cwd,
    env: { PORT: '0', OPERATIONS_ADDRESS: '127.0.0.1:0' },
    log: createLog({ level: 'silent', pretty: false, stream: { write: () => undefined } }),
    sources,
  })
  closedAfterwards(host, () => host.close(100))
  await host.boot()
  const names = () =>
    host.plugins().flatMap(({ name, state }) => (state === 'running' ? [name] : []))
  return { host, write, remove: () => rmSync(file), names }
}

const told = (error: Error) =>
  error instanceof FaultsError ? error.faults.map(faultText).join('\n') : String(error)

const gone =
  /^config\/manifest\.yaml:1:1 E_MANIFEST_MISSING \$: this file cannot be read\n +hint: the running server lives by it: put it back, or start the server anew$/

test('a file that is gone is missed by a reload and by its preview, and what ran runs on', async () => {
  const { host, remove, write, names } = await running(docsAlone)
  const { hash } = host

  remove()
  const reload = await refusal(host.reload())
  const preview = await refusal(host.preview())

  assert.match(told(reload), gone)
  assert.match(told(preview), gone)
  assert.is(host.hash, hash)
  assert.equal(names(), ['docs'])
  write(docsAlone)
  assert.not((await host.reload()).changed)
})

test('a server that was started without a file takes one that comes, and misses it when it goes', async () => {
  const { host, remove, write, names } = await running()
  const before = names().length

  write(docsAlone)
  await host.reload()
  remove()
  const refused = await refusal(host.reload())

  assert.ok(before > 1)
  assert.match(told(refused), gone)
  assert.equal(names(), ['docs'])
})

test('a file that came, was refused and is gone again is not missed', async () => {
  const { host, remove, write, names } = await running()
  const before = names()

  write('plugins: { dosc: true }')
  await refusal(host.reload())
  remove()
  const { changed } = await host.reload()

  assert.not(changed)
  assert.equal(names(), before)
})

test('a reload reads .env and the file that a _FILE names anew', async () => {
  const { host, write } = await running(docsAlone)
  const hashes: string[] = []
  const reload = async () => void hashes.push((await host.reload()).hash)

  write(`${server}plugins: { docs: { config: { a: "\${A:-}", b: "\${B:-}" } } }\n`)
  await reload()
  write('A=1\nB_FILE=b.txt\n', '.env')
  write('one', 'b.txt')
  await reload()
  write('two', 'b.txt')
  await reload()

  assert.is(new Set(hashes).size, 3)
})

test.run()

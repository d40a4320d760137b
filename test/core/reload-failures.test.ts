/**
 * A server that runs on a manifest on the disk. The file is broken in every way that there is, reloaded, and
 * the old generation goes on: its routes, a stream that was open before all of it, and not one handle more.
 */
import http from 'node:http'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { main } from '../../core/cli/main.ts'
import { createHost } from '../../core/create-host.ts'
import type { Host } from '../../core/host.ts'
import { createLog } from '../../core/log.ts'
import { announce } from '../../core/running-server.ts'
import { sourceOf } from '../../core/sources.ts'
import { until } from '../harness/until.ts'
import { broken, counted, good, opened, plugins, talking, type Broken } from './reload-broken.ts'

const cwd = mkdtempSync(join(tmpdir(), 'reload-'))
const file = join(cwd, 'config', 'manifest.yaml')
const taken = createServer()
let host: Host
let env: Record<string, string> = {}
let told: Promise<string>

test.before(async () => {
  mkdirSync(join(cwd, 'config'))
  writeFileSync(file, good(1))
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  env = { TAKEN: String((taken.address() as { port: number }).port) }
  host = createHost({
    cwd,
    env,
    log: createLog({ level: 'silent', pretty: false, stream: { write: () => undefined } }),
    sources: new Map(plugins.map((plugin) => [plugin.name, sourceOf(plugin)])),
  })
  await host.boot()
  announce(join(cwd, 'data'), { pid: process.pid, operations: host.addresses.operations })
  const stream = await fetch(`${host.addresses.public}/talk`)
  told = stream.text()
})
test.after(async () => {
  talking.goesOn = false
  await host.close()
  taken.close()
  rmSync(cwd, { recursive: true, force: true })
})

/** On a connection of its own, which is gone afterwards. */
const ask = (method: string, url: string) =>
  new Promise<{ readonly status: number; readonly body: unknown }>((resolve, reject) => {
    const request = http.request(url, { method, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.once('error', reject)
      response.once('close', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }),
      )
    })
    request.once('error', reject).end()
  })

const number = async () => {
  const { body } = await ask('GET', `${host.addresses.public}/n`)
  return (body as { n: unknown }).n
}

/** What keeps this process alive, by kind. */
const handles = () => process.getActiveResourcesInfo().toSorted()

async function settlesOn(expected: readonly string[]): Promise<void> {
  await until(() => handles().join() === expected.join()).catch(() => undefined)
  assert.equal(handles(), expected)
}

/** The same over ten turns of the loop means that nothing is on its way any more. */
async function settled(): Promise<readonly string[]> {
  let seen = handles()
  for (let same = 0; same < 10;) {
    await sleep(15)
    const now = handles()
    same = now.join() === seen.join() ? same + 1 : 0
    seen = now
  }
  return seen
}

interface Refusal {
  readonly code: string
  readonly detail?: string
  readonly hint?: string
  readonly faults?: readonly Record<string, unknown>[]
  readonly failures?: readonly { plugin: string; detail: string; hint?: string }[]
}

async function reloaded() {
  const { status, body } = await ask('POST', `${host.addresses.operations}/admin/reload`)
  return { status, body: body as Refusal }
}

/** `autodocops reload`, in the folder of the manifest. */
async function command() {
  const said: string[] = []
  const io = {
    cwd,
    env,
    out: () => undefined,
    err: (line: string) => void said.push(line),
  }
  return { code: await main(['reload'], io), text: said.join('\n') }
}

for (const { why, yaml, fault, failure, starts = 0 } of broken)
  test(`when ${why}, the reload is refused, and what ran goes on with nothing left over`, async () => {
    writeFileSync(file, good(1))
    const { hash } = host
    const before = await settled()
    const startsBefore = counted.starts

    writeFileSync(file, yaml)
    const { status, body } = await reloaded()

    assert.is(status, 422)
    assert.is(body.code, 'reload_rejected')
    if (fault !== undefined) sameFault(body, fault)
    if (failure !== undefined) sameFailure(body, failure)
    assert.is(counted.starts, startsBefore + starts)
    assert.is(await number(), 1)
    assert.is(host.hash, hash)
    assert.is(opened.size, 1)
    await settlesOn(before)
  })

function sameFault({ faults = [] }: Refusal, [at, message, hint]: NonNullable<Broken['fault']>) {
  const [first] = faults
  const place = `${String(first?.['line'])}:${String(first?.['col'])}`
  assert.is(`${place} ${String(first?.['code'])} ${String(first?.['path'])}`, at)
  assert.is(first?.['file'], 'config/manifest.yaml')
  assert.match(String(first?.['message']), message)
  if (hint !== undefined) assert.match(String(first?.['hint']), hint)
}

function sameFailure(body: Refusal, [plugin, detail, hint]: NonNullable<Broken['failure']>) {
  const said = plugin === undefined ? body : body.failures?.[0]
  assert.is(plugin, body.failures?.[0]?.plugin)
  assert.match(String(said?.detail), detail)
  if (hint !== undefined) assert.match(String(said?.hint), hint)
}

test('the command ends with 78 when the manifest is wrong, with 1 when a plugin is, and says which', async () => {
  for (const { yaml, fault, failure, why } of broken) {
    writeFileSync(file, yaml)
    const { code, text } = await command()

    assert.is(code, fault === undefined ? 1 : 78, why)
    if (fault !== undefined) assert.match(text, `config/manifest.yaml:${fault[0]}`)
    if (failure !== undefined) assert.match(text, failure[1])
  }
  assert.is(opened.size, 1)
})

test('the good manifest is taken after all of it, and the stream from before was not cut', async () => {
  writeFileSync(file, good(3))
  const { status } = await reloaded()
  const after = await number()
  talking.goesOn = false
  const text = await told
  await until(() => opened.size === 1)

  assert.is(status, 200)
  assert.is(after, 3)
  assert.match(text, /^(1\n)+the end\n$/)
})

test('closed, nothing is left of it', async () => {
  await host.close()

  assert.is(opened.size, 0)
  assert.is(host.listeners, 0)
})

test.run()

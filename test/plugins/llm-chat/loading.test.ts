import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

const here = new URL('./', import.meta.url)
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const pluginUrl = new URL(`../../../plugins/llm-chat/index.${extension}`, here).href
const testingUrl = new URL(`../../../core/testing/index.${extension}`, here).href
const isDeno = 'Deno' in globalThis

/** Runs a module of its own and reads what it printed. */
function run(code: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'chat-loading-'))
  const file = join(folder, 'main.mjs')
  try {
    writeFileSync(file, code)
    const flags = isDeno ? ['run', '-A', '--conditions=source'] : process.execArgv
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, file], {
      encoding: 'utf8',
      cwd: new URL('../../../', here),
    })
    if (stdout === '') throw new Error(stderr)
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The SDK leaves a trace whoever loads it: it asks the environment for its settings when a client is made. */
const script = (config: object) => `
  const { testPlugin } = await import(${JSON.stringify(testingUrl)})
  const { default: plugin } = await import(${JSON.stringify(pluginUrl)})
  const asked = new Set()
  const env = new Proxy(process.env, { get: (real, name) => (asked.add(name), real[name]) })
  Object.defineProperty(process, 'env', { value: env })
  const isUsed = () => asked.has('OPENAI_WEBHOOK_SECRET') || asked.has('OPENAI_CUSTOM_HEADERS')
  const app = await testPlugin(plugin, { config: ${JSON.stringify(config)} })
  const before = isUsed()
  const question = { method: 'POST', url: '/chat', as: { subject: 'a' }, body: { query: 'x' } }
  const { status } = await app.inject(question)
  console.log(JSON.stringify({ before, after: isUsed(), status }))
  process.exit(0)
`

test('with the fake model the SDK is never used', () => {
  assert.equal(JSON.parse(run(script({ fake: true, fakeDelay: '0ms' }))), {
    before: false,
    after: false,
    status: 200,
  })
})

test('with a real one it is used at the first question, and not before', () => {
  const config = { baseUrl: 'http://127.0.0.1:9/v1', model: 'm', timeouts: { connect: '100ms' } }

  assert.equal(JSON.parse(run(script(config))), { before: false, after: true, status: 502 })
})

test.run()

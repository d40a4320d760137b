import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const isDeno = 'Deno' in globalThis

/** What a program in this folder prints, or why it does not. */
function printed(name: string): string {
  const probe = fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url))
  const flags = isDeno ? ['run', '-A', '--conditions=source'] : process.execArgv
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, probe], { encoding: 'utf8' })
  return stdout || JSON.stringify(stderr)
}

test('the SDK is used at the first question to a real model: never by the fake, and not at the start', () => {
  assert.equal(JSON.parse(printed('loading-probe')), {
    fake: { before: false, after: false, status: 200 },
    real: { before: false, after: true, status: 502 },
  })
})

// On Deno `fetch` is Deno's.
if (!isDeno)
  test('the connections to a model leave the fetch of everybody else as it is', () => {
    assert.is(printed('dispatcher-probe').trim(), 'its own')
  })

test.run()

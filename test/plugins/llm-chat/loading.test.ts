import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const probe = fileURLToPath(new URL(`./loading-probe.${extension}`, import.meta.url))

test('the SDK is used at the first question to a real model: never by the fake, and not at the start', () => {
  const flags = 'Deno' in globalThis ? ['run', '-A', '--conditions=source'] : process.execArgv
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, probe], { encoding: 'utf8' })

  assert.equal(JSON.parse(stdout || JSON.stringify(stderr)), {
    fake: { before: false, after: false, status: 200 },
    real: { before: false, after: true, status: 502 },
  })
})

test.run()

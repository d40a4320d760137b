import { spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adopt, exited } from './ending.ts'
import { isCompiled, isDeno } from './root.ts'

const child = fileURLToPath(new URL(`./closing-child.${isCompiled ? 'js' : 'ts'}`, import.meta.url))
const flags = [...(isDeno ? ['run', '-A'] : []), ...(isCompiled ? [] : ['--conditions=source'])]

test('what a test opened is closed when it has failed, what its file opened after the last, and the process ends', async () => {
  const running = adopt(
    spawn(process.execPath, [...flags, child], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 90_000,
    }),
  )
  running.ref()
  let output = ''
  for await (const chunk of running.stdout ?? []) output += String(chunk)
  const code = await exited(running)

  assert.is(code, 1)
  assert.equal(output.match(/closed .*|last test/g), [
    ...['closed one', 'closed two', 'last test', 'closed of the file'],
  ])
  assert.match(output, /Passed: +1/)
  assert.match(output, 'will not close')
})

test.run()

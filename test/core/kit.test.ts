/** The kit finds what it is there to find: a plugin that breaks one rule fails the check of that rule. */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adopt, end } from '../harness/ending.ts'
import { isCompiled, isDeno } from '../harness/root.ts'

const file = fileURLToPath(new URL(`./kit-offenders.${isCompiled ? 'js' : 'ts'}`, import.meta.url))
const flags = [...(isDeno ? ['run', '-A'] : []), ...(isCompiled ? [] : ['--conditions=source'])]

/** What it prints until its tests are counted; offenders leave timers, so it would not end by itself. */
async function printed(): Promise<string> {
  const child = adopt(
    spawn(process.execPath, [...flags, file], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  child.ref()
  let output = ''
  for await (const chunk of child.stdout ?? []) {
    output += String(chunk)
    if (/Duration:/.test(output)) break
  }
  await end(child, 'SIGKILL')
  return output
}

const [list = '', ...suites] = (await printed()).split(/^.* keeps the plugin contract  (?=•|✘)/m)
const rules = JSON.parse(list) as readonly string[]
const [good = '', ...offenders] = suites

test('a plugin that keeps every rule passes', () => {
  assert.not.match(good, 'FAIL')
  assert.is(offenders.length, rules.length)
})

test('every rule of the kit has a plugin here that breaks it', () => {
  const [, checks] = /\/ (\d+)\)/.exec(good) ?? []

  assert.is(new Set(rules).size, Number(checks))
})

for (const [index, rule] of rules.entries())
  test(`a plugin fails that breaks: ${rule}`, () => {
    assert.match(offenders[index] ?? '', `"${rule}"`)
  })

test.run()

/** What tests of a host's life ask: what happened, when, and what is left. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { definePlugin } from 'autodocops'
import * as assert from 'uvu/assert'

import { about } from './host-fixture.ts'

/** Tells what happens to it; starts when `gate` opens, or at once. */
export const telling = (name: string, told: string[], gate: Promise<unknown> = Promise.resolve()) =>
  definePlugin({
    name,
    ...about,
    start: async () => {
      told.push(`start ${name}`)
      await gate
    },
    activate: () => void told.push(`activate ${name}`),
    deactivate: () => void told.push(`deactivate ${name}`),
    stop: () => void told.push(`stop ${name}`),
  })

export function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

const patienceMs = 10_000

export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs
  while (!holds()) {
    assert.ok(performance.now() < end, `it never came about: ${String(holds)}`)
    await sleep(2)
  }
}

const kept = (kind: string) => process.getActiveResourcesInfo().filter((one) => one === kind).length

/** Node tells of a closed handle until its loop has turned. A timer of our own would be told as well. */
export async function nothingIsLeftOf(kind: string): Promise<void> {
  const end = performance.now() + patienceMs
  while (kept(kind) > 0 && performance.now() < end) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.is(kept(kind), 0)
}

export const listening = () => kept('TCPServerWrap')

/** What tests of a host's life ask: what happened, when, and what is left. */
import process from 'node:process'

import { definePlugin } from 'autodocops'
import * as assert from 'uvu/assert'

import { closedAfterwards } from '../harness/closing.ts'
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

/** Opened at the end of its test at the latest: nobody who waits there keeps a host from closing. */
export function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return closedAfterwards({ opened, open }, open)
}

const patienceMs = 10_000

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

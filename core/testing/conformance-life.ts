import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import type { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Plugin } from '../plugin.ts'
import type { HardTokens, Tokens } from '../service.ts'
import {
  buildPlugin,
  testPlugin,
  type TestedPlugin,
  type TestPluginOptions,
} from './test-plugin.ts'

type Suite = ReturnType<typeof suite>
type Use = (tested: TestedPlugin<HardTokens>) => void | Promise<void>

/** An examination that takes longer is a failed one. */
const examinationMs = 5_000
const bytesPerRound = 65_536

export interface LifeOptions {
  /** How often it is started and stopped while the heap is watched; 50 times when absent, 0 leaves it out. */
  readonly rounds?: number
  /** How long its sockets may take to close after it has stopped; 2 s when absent. */
  readonly closingMs?: number
}

/** From its start to its end, and whatever goes wrong between: nothing is left. */
export function life<N extends string, R extends Tokens, P extends HardTokens>(
  check: Suite,
  plugin: Plugin<N, R, P>,
  options: TestPluginOptions<R> & LifeOptions,
): void {
  const { rounds = 50, closingMs = 2_000 } = options
  const during = async (use: Use, tested = testPlugin(plugin, options)) => {
    const instance = await tested
    try {
      await use(instance)
    } finally {
      await instance.stop()
    }
  }
  check('it starts, is healthy, activates and stops', () =>
    during(async (tested) => {
      for (const [name, { status }] of await tested.health()) assert.is.not(status, 'fail', name)
      await tested.activate()
    }),
  )
  check('stopping twice is stopping once', () => during((tested) => tested.stop()))
  check('stopped before it was activated, it stops all the same', () => during(() => undefined))
  check('built and never started, as for an examination, it stops all the same', () =>
    during(() => undefined, buildPlugin(plugin, options)),
  )
  check('started and stopped twice, it leaves no listener, timer or socket', async () => {
    const before = handles()
    for (let round = 0; round < 2; round += 1) {
      let tested: TestedPlugin<HardTokens> | undefined
      await during(async (started) => (tested = started).activate())
      assert.is(tested?.listeners, 0)
    }
    await nothingBut(before, closingMs)
  })
  check(
    'a start that fails at its end leaves no timer or socket, and is told as it failed',
    async () => {
      const before = handles()
      const failure = new Error('conformance: the start failed')
      const start = async (services: never) => {
        await plugin.start?.(services)
        throw failure
      }
      const told = await testPlugin({ ...plugin, start }, options).catch((error: unknown) => error)
      assert.is(told, failure)
      await nothingBut(before, closingMs)
    },
  )
  check('every promised service is built', () =>
    during(({ services }) => {
      for (const name of Object.keys(plugin.provides))
        assert.is.not(Reflect.get(services, name), undefined, name)
    }),
  )
  check('an undeclared service is refused by name', () =>
    during(({ services }) => {
      assert.throws(() => Reflect.get(services, 'noSuchService') as unknown, /noSuchService/)
    }),
  )
  check('its examination, if any, ends in time, and says what to do about what is not well', () =>
    during(
      async (tested) => {
        if (plugin.doctor === undefined) return
        const signal = AbortSignal.timeout(examinationMs)
        for (const { check: what, saw, ...found } of await tested.examine({ signal })) {
          assert.ok(what.length > 0 && saw.length > 0, what)
          if ('fix' in found) assert.ok(found.fix.length > 0, what)
          else assert.ok(['ok', 'skipped'].includes(found.verdict), what)
        }
        assert.not(signal.aborted, `it took longer than ${examinationMs} ms`)
      },
      buildPlugin(plugin, options),
    ),
  )
  check(`${rounds} starts and stops keep the heap`, async () => {
    if (rounds === 0) return
    const round = () => during(() => undefined)
    for (let i = 0; i < 5; i += 1) await round()
    const before = await heapBytes()
    for (let i = 0; i < rounds; i += 1) await round()
    const grown = (await heapBytes()) - before
    assert.ok(grown < rounds * bytesPerRound, `grew by ${grown} bytes`)
  })
}

/** What keeps a process alive, by kind. Finished work may be counted for a moment. */
const handles = (): readonly string[] =>
  process
    .getActiveResourcesInfo()
    .filter((kind) => /Timeout|TCP|TLS|UDP|Pipe|Worker|MessagePort|FSEvent|Process/.test(kind))
    .toSorted()

async function nothingBut(before: readonly string[], closingMs: number): Promise<void> {
  const until = performance.now() + closingMs
  while (performance.now() < until && added(before).length > 0) await sleep(10)
  assert.equal(added(before), [], 'still open')
}

const added = (before: readonly string[]): readonly string[] => {
  const left = [...before]
  return handles().filter((kind) => {
    const index = left.indexOf(kind)
    if (index >= 0) left.splice(index, 1)
    return index < 0
  })
}

async function heapBytes(): Promise<number> {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 2; i += 1) {
    await sleep(5)
    collect()
  }
  return process.memoryUsage().heapUsed
}

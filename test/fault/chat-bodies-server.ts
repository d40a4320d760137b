/** A server of its own process that knows how long its event loop was held up: prints its URL, lives until killed. */
import process from 'node:process'

import { definePlugin } from 'autodocops'
import * as z from 'zod'

import type { AnyPlugin } from '../../core/app-options.ts'
import { isMain, startChild } from '../plugins/llm-chat/child.ts'
import { serve } from '../plugins/llm-chat/server.ts'

export const startWatched = (config: object) =>
  startChild(import.meta.url, [JSON.stringify(config)])

/** Since it was asked last, in milliseconds. */
export interface Pulse {
  /** Of each delay of a timer that share in which this process was at work itself: 99 of 100 are shorter. */
  readonly ownP99: number
  readonly ticks: number
  /** What parsing ten thousand small messages costs this process, right now. */
  readonly parseMs: number
}

const tickMs = 2
const yardstick = JSON.stringify(Array.from({ length: 10_000 }, () => ({ role: 'u' })))

/** `monitorEventLoopDelay` cannot tell this process's work from that of its neighbours: it goes by the clock. */
class LoopWatch {
  #own: number[] = []
  #expected = performance.now() + tickMs
  #spent = process.cpuUsage()

  start(): void {
    setInterval(this.#tick, tickMs).unref()
  }

  pulse(): Pulse {
    const seen = { ownP99: at(this.#own, 0.99), ticks: this.#own.length, parseMs: measure() }
    this.#own = []
    this.#expect()
    return seen
  }

  readonly #tick = () => {
    const late = Math.max(0, performance.now() - this.#expected)
    this.#own.push(Math.min(late, workedSince(this.#spent)))
    this.#expect()
  }

  #expect(): void {
    this.#spent = process.cpuUsage()
    this.#expected = performance.now() + tickMs
  }
}

function workedSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

const at = (list: readonly number[], share: number): number =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length * share)] ?? 0

/** The middle one of many: a collection of garbage falls into some. */
function measure(): number {
  const rounds = Array.from({ length: 15 }, () => {
    const start = process.cpuUsage()
    JSON.parse(yardstick)
    return workedSince(start)
  })
  return at(rounds, 0.5)
}

const watched = (watch: LoopWatch) =>
  definePlugin({
    name: 'pulse',
    version: '1.0.0',
    core: '^1',
    summary: 'How long the event loop was held up',
    config: z.strictObject({}),
    routes: ({ route }) => [
      route({
        method: 'GET',
        path: '/pulse',
        summary: 'Since it was asked last',
        tags: ['test'],
        auth: 'public',
        limit: 'none',
        timeoutMs: 5_000,
        responses: { 200: z.looseObject({}) },
        examples: [{ summary: 'Now' }],
        handler: () => watch.pulse(),
      }),
    ],
    examples: { config: { valid: [{}], invalid: [] } },
  })

if (isMain(import.meta.url)) {
  const watch = new LoopWatch()
  const config = JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown>
  const app = await serve(config, [watched(watch) as unknown as AnyPlugin])
  watch.start()
  console.log(app.url)
}

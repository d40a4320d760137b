/** A server of its own process that knows how long its event loop was held up: prints its URL, lives until killed. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'

import { definePlugin } from 'autodocops'
import * as z from 'zod'

import type { AnyPlugin } from '../../core/app-options.ts'
import { isMain, startChild } from '../plugins/llm-chat/child.ts'
import { serve } from '../plugins/llm-chat/server.ts'

export const startWatched = (config: object) =>
  startChild(import.meta.url, [JSON.stringify(config)])

/** Delays in milliseconds. */
export interface Delays {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface Pulse {
  /** By the clock: other programs on the same cores are in it. */
  readonly wall: Delays
  /** The share of each delay in which this process was at work itself. */
  readonly own: Delays
  /** What `monitorEventLoopDelay` says. */
  readonly nodeP99: number
}

const tickMs = 2

/** By a timer of its own: `monitorEventLoopDelay` cannot tell this process's work from that of its neighbours. */
class LoopWatch {
  readonly #node = monitorEventLoopDelay({ resolution: tickMs })
  #wall: number[] = []
  #own: number[] = []
  #expected = performance.now() + tickMs
  #spent = process.cpuUsage()

  start(): void {
    this.#node.enable()
    setInterval(this.#tick, tickMs).unref()
  }

  readonly #tick = () => {
    const now = performance.now()
    const used = process.cpuUsage(this.#spent)
    const late = Math.max(0, now - this.#expected)
    this.#wall.push(late)
    this.#own.push(Math.min(late, (used.user + used.system) / 1_000))
    this.#spent = process.cpuUsage()
    this.#expected = now + tickMs
  }

  /** Since it was asked last. */
  pulse(): Pulse {
    const nodeP99 = this.#node.percentile(99) / 1_000_000
    const seen = { wall: delaysOf(this.#wall), own: delaysOf(this.#own), nodeP99 }
    this.#node.reset()
    this.#wall = []
    this.#own = []
    return seen
  }
}

export function delaysOf(list: readonly number[]): Delays {
  const sorted = list.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  return { p50: at(0.5), p99: sorted[Math.floor(sorted.length * 0.99)] ?? at(1), max: at(1) }
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

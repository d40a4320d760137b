import type { Clock } from 'autodocops'

import type { Rig } from './rig.ts'

let origins = 0

/** The time of one instance, which is real until a test turns it. Monotonic times of two have nothing in common. */
export class RigClock implements Clock {
  #aheadMs = 0
  #passedMs = 0
  readonly #origin = 10_000_000 * origins++

  readonly now = () => Date.now() + this.#passedMs + this.#aheadMs
  readonly monotonic = () => performance.now() + this.#passedMs + this.#origin

  /** Somebody sets it, back when negative; no time passes. */
  jump(ms: number): void {
    this.#aheadMs += ms
  }

  pass(ms: number): void {
    this.#passedMs += ms
  }
}

/** Time passes for instances on one store, and for what Redis keeps there: it has so much less time left. */
export async function pass(ms: number, ...rigs: readonly Rig[]): Promise<void> {
  for (const { clock } of rigs) clock.pass(ms)
  if (rigs[0]) await age(ms, rigs[0])
}

/** By a negative time Redis keeps it for longer, as when its own clock is set back. */
export async function age(ms: number, { redis }: Rig): Promise<void> {
  if (!redis) return
  const client = redis.connection('cache')
  for (const node of 'nodes' in client ? client.nodes('master') : [client])
    for await (const keys of node.scanStream({ match: `${redis.keyPrefix}cache:*` }))
      for (const key of keys as string[]) await client.pexpire(key, (await client.pttl(key)) - ms)
}

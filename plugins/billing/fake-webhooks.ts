import type { Random } from 'autodocops'

import { thinTwin } from './fake-event.ts'
import type { FakeObject, FakeState } from './fake-state.ts'
import { sign } from './verify.ts'

export interface WebhookKnobs {
  /** Copies of each delivery. */
  readonly copies: number
  readonly shuffle: boolean
  readonly delayMs: number
  readonly forms: readonly ('snapshot' | 'thin')[]
  /** Nothing is sent; the events are there to be listed. */
  readonly isOff: boolean
}

export const calm: WebhookKnobs = {
  copies: 1,
  shuffle: false,
  delayMs: 0,
  forms: ['snapshot'],
  isOff: false,
}

/** Hands over a signed body; true when the endpoint took it. */
export type Deliver = (body: string, signature: string) => Promise<boolean>

const retryMs = [200, 1_000, 5_000, 30_000, 120_000] as const

/** Sends events as Stripe does: signed, at least once, in no order; how badly is for the test to say. */
export class FakeWebhooks {
  readonly #state: FakeState
  readonly #random: Random
  #deliver: Deliver = () => Promise.resolve(false)
  readonly #timers = new Set<NodeJS.Timeout>()
  #pending: string[] = []
  #isClosed = false
  knobs: WebhookKnobs = calm

  constructor(state: FakeState, random: Random) {
    this.#state = state
    this.#random = random
  }

  /** The endpoint. */
  deliverTo(deliver: Deliver): void {
    this.#deliver = deliver
  }

  send(event: FakeObject): void {
    const { forms, copies, isOff } = this.knobs
    if (isOff || this.#isClosed) return
    const bodies = forms.map((form) => JSON.stringify(form === 'thin' ? thinTwin(event) : event))
    for (let copy = 0; copy < copies; copy += 1) this.#pending.push(...bodies)
    this.#later(this.knobs.delayMs, () => this.#flush())
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #flush(): void {
    const bodies = this.knobs.shuffle ? this.#shuffled(this.#pending) : this.#pending
    this.#pending = []
    for (const body of bodies) void this.#attempt(body, 0)
  }

  /** Never rejects: what the endpoint does not take is tried again, and at last given up. */
  async #attempt(body: string, tries: number): Promise<void> {
    const signature = sign(body, this.#state.secret, this.#state.realTime())
    const isTaken = await this.#deliver(body, signature).catch(() => false)
    const delayMs = retryMs[tries]
    if (!isTaken && delayMs !== undefined)
      this.#later(delayMs, () => void this.#attempt(body, tries + 1))
  }

  #later(ms: number, run: () => void): void {
    if (this.#isClosed) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, ms)
    this.#timers.add(timer)
  }

  #shuffled(bodies: readonly string[]): string[] {
    return bodies
      .map((body) => ({ body, at: this.#random.float() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ body }) => body)
  }
}

import type { Clock, EventBus } from 'autodocops'

import type { Changes } from './changes.ts'
import { CacheEvents } from './contract.ts'
import type { Job, Outcome } from './flight.ts'
import { Flight, standing } from './flight.ts'
import type { Leases } from './lease.ts'
import type { Maker } from './maker.ts'
import type { Item } from './store-memory.ts'
import type { Tags } from './tags.ts'
import type { Tiers } from './tiers.ts'

interface Wanted {
  readonly tiers: Tiers
  readonly leases: Leases
  readonly tags: Tags
  readonly changes: Changes
  readonly maker: Maker
  readonly events: EventBus
  readonly clock: Clock
}

/**
 * Gets values made, once for all who ask meanwhile; they share the error too. An invalidation on the way lets a
 * flight end for those who wait, and whoever comes later starts a new one.
 */
export class Loader {
  readonly #to: Wanted
  readonly #flights = new Map<string, Flight>()

  constructor(to: Wanted) {
    this.#to = to
  }

  load(job: Job): Promise<Outcome> {
    const flight = this.#join(job.key) ?? this.#start(job, (started) => this.#fly(started))
    return job.policy.softMs > 0 ? impatient(flight, job.policy.softMs) : flight.outcome
  }

  /** Ahead of its time; whoever reads meanwhile gets the value that there is. */
  refresh(job: Job, item: Item): void {
    if (item.retryAt > this.#to.clock.monotonic() || this.#running(job.key)) return
    this.#start(job, (flight) => this.#flyAhead(flight, item))
  }

  #running(key: string): Flight | undefined {
    const flight = this.#flights.get(key)
    if (!flight || this.#to.changes.touchedSince(flight.mark, key)) return undefined
    return this.#to.tags.touchedSince(flight.mark, flight.job.policy.tags) ? undefined : flight
  }

  #join(key: string): Flight | undefined {
    const flight = this.#running(key)
    if (flight) this.#to.events.emit(CacheEvents, 'cache:call-coalesced', { store: 'memory' })
    return flight
  }

  #start(job: Job, fly: (flight: Flight) => Promise<Outcome>): Flight {
    const flight = new Flight(job, this.#to.changes.mark(), fly)
    this.#flights.set(job.key, flight)
    const end = () => {
      if (this.#flights.get(job.key) === flight) this.#flights.delete(job.key)
    }
    flight.outcome.then(end, end)
    return flight
  }

  async #fly(flight: Flight): Promise<Outcome> {
    const { key, policy } = flight.job
    const found = await this.#to.tiers.look(key)
    if (found.state === 'fresh') return standing(found.tier, found.item)
    const stale = found.state === 'stale' ? found.item : undefined
    flight.endLook(stale)
    if (stale && stale.retryAt > this.#to.clock.monotonic()) return standing('stale', stale)
    const [turn, tokens] = await Promise.all([
      this.#to.leases.take(key, policy.hardMs, true),
      this.#to.tags.tokens(policy.tags),
    ])
    if (turn.kind === 'found') return standing('redis', turn.item)
    return this.#to.maker.make(flight, tokens, turn.kind === 'held' ? turn.token : undefined)
  }

  async #flyAhead(flight: Flight, item: Item): Promise<Outcome> {
    const { key, policy } = flight.job
    flight.endLook(item)
    const tokens = await this.#to.tags.tokens(policy.tags)
    const turn = await this.#to.leases.take(key, policy.hardMs, false)
    if (turn.kind === 'busy') return standing('stale', item)
    // `found` is no news: what stands there is still fresh.
    return this.#to.maker.make(flight, tokens, turn.kind === 'held' ? turn.token : undefined)
  }
}

/** The stale value, if there is one, once the patience is over; the flight goes on. */
async function impatient(flight: Flight, softMs: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, softMs)))
  const instead = Promise.all([patience, flight.looked]).then(() => flight.stale)
  try {
    const first = await Promise.race([flight.outcome, instead])
    if (first === undefined) return await flight.outcome
    return 'origin' in first ? first : standing('stale', first)
  } finally {
    clearTimeout(timer)
  }
}

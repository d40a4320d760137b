import { isProblem } from 'autodocops'
import type { Clock, EventBus, Logger, Random } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Config } from './config.ts'
import { BillingEvents } from './contract.ts'
import type { EventWalk, Missed } from './event-walk.ts'
import type { Gateway } from './gateway.ts'
import { endLease, renewLease, takeLease } from './leases.ts'
import { Loop } from './loop.ts'
import { dueForRefetch } from './subscriptions.ts'
import { Busy } from './sync.ts'
import type { Synchroniser } from './sync.ts'

export interface Reconciled extends Missed {
  /** Subscriptions looked at, and those that were another than ours. */
  readonly refetched: number
  readonly drifted: number
}

interface Needs {
  readonly database: DatabaseService
  readonly workerGateway: Gateway
  readonly synchroniser: Synchroniser
  readonly eventWalk: EventWalk
  readonly config: Pick<Config, 'reconcile'>
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly log: Logger
}

type GoesOn = () => Promise<boolean>

const leaseMs = 120_000
const refetchBatch = 50
/** A round of a thousand events, or of half a minute: the next one follows at once, on any instance. */
const pagesOfRound = 10
const roundMs = 30_000

/**
 * Heals what webhooks missed: every few minutes one instance lists Stripe's own events since the last time, and what
 * is not in the inbox comes into it. Rows in doubt, and live ones not seen for a day, are refetched.
 */
export class Reconciler {
  readonly #needs: Needs
  readonly #loop: Loop

  constructor(needs: Needs) {
    this.#needs = needs
    const failed = (err: unknown) => needs.log.warn({ err }, 'reconciling with Stripe failed')
    this.#loop = new Loop((signal) => this.#tick(signal), needs.config.reconcile.every, failed)
  }

  start(): void {
    if (this.#needs.workerGateway.canRead) this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** To the end, however long it takes. `undefined`: another instance is at it. */
  run(since?: Date): Promise<Reconciled | undefined> {
    return this.#leading(async (isLeader) => {
      if (since) return this.#after(await this.#needs.eventWalk.since(since, isLeader), isLeader)
      const found = await this.#needs.eventWalk.go(isLeader)
      const more = found.hadBegun
        ? await this.#needs.eventWalk.go(isLeader)
        : { seen: 0, inserted: 0 }
      const seen = found.seen + more.seen
      return this.#after({ seen, inserted: found.inserted + more.inserted }, isLeader)
    })
  }

  /** A part of it that ends soon; `hasMore` says that the next one is due at once. */
  round(signal?: AbortSignal): Promise<(Reconciled & { readonly hasMore: boolean }) | undefined> {
    return this.#leading(async (isLeader) => {
      const { clock, eventWalk } = this.#needs
      const endsAt = clock.monotonic() + roundMs
      let pages = 0
      const isWithin = () =>
        (pages += 1) < pagesOfRound && clock.monotonic() < endsAt && signal?.aborted !== true
      const walked = await eventWalk.go(async () => isWithin() && isLeader())
      const { seen, inserted, hasMore } = walked
      const isWanted = async () => signal?.aborted !== true && isLeader()
      return { ...(await this.#after({ seen, inserted }, isWanted)), hasMore }
    })
  }

  async #tick(signal: AbortSignal): Promise<boolean> {
    const found = await this.round(signal)
    if (!found) return false
    const { hasMore, ...counts } = found
    if (counts.inserted + counts.drifted > 0) {
      this.#needs.log.warn(counts, 'webhooks were missed, and are made up for')
    }
    return hasMore
  }

  async #leading<T>(work: (isLeader: GoesOn) => Promise<T>): Promise<T | undefined> {
    const { knex } = this.#needs.database
    const lease = await takeLease(knex, 'reconciler', this.#needs.random.uuid(), leaseMs)
    if (!lease) return undefined
    try {
      return await work(() => renewLease(knex, lease, leaseMs))
    } finally {
      await endLease(knex, lease)
    }
  }

  async #after(missed: Missed, goesOn: GoesOn): Promise<Reconciled> {
    this.#tell('event', missed.inserted)
    const rows = await this.#drift(goesOn)
    this.#tell('subscription', rows.drifted)
    return { ...missed, ...rows }
  }

  #tell(kind: 'event' | 'subscription', count: number): void {
    if (count === 0) return
    this.#needs.events.emit(BillingEvents, 'billing:drift-found', { kind, count })
  }

  async #drift(goesOn: GoesOn): Promise<Pick<Reconciled, 'refetched' | 'drifted'>> {
    const { database, config } = this.#needs
    const due = await dueForRefetch(database.knex, config.reconcile.refresh, refetchBatch)
    let [refetched, drifted] = [0, 0]
    for (const { id } of due) {
      if (!(await goesOn())) break
      refetched += 1
      if (await this.#look(id)) drifted += 1
    }
    return { refetched, drifted }
  }

  /** One that cannot be looked at keeps back no other; a Stripe that cannot be asked does. */
  async #look(id: string): Promise<boolean> {
    try {
      return await this.#needs.synchroniser.sync(id)
    } catch (error) {
      if (error instanceof Busy) return false
      if (isProblem(error) && error.status >= 500) throw error
      this.#needs.log.warn({ err: error, subscription: id }, 'a subscription cannot be looked at')
      return false
    }
  }
}

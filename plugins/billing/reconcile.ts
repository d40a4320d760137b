import type { EventBus, Logger, Random } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Config } from './config.ts'
import { BillingEvents } from './contract.ts'
import { databaseTime, readCursor, writeCursor } from './cursors.ts'
import { readEvent } from './event-shape.ts'
import type { Gateway } from './gateway.ts'
import { endLease, takeLease } from './leases.ts'
import { Loop } from './loop.ts'
import { dueForRefetch } from './subscriptions.ts'
import { Busy } from './sync.ts'
import type { Synchroniser } from './sync.ts'
import type { Webhook } from './webhook.ts'

export interface Reconciled {
  /** Events that Stripe has and we had not. */
  readonly inserted: number
  readonly seen: number
  /** Subscriptions looked at, and those that were another than ours. */
  readonly refetched: number
  readonly drifted: number
}

interface Needs {
  readonly database: DatabaseService
  readonly workerGateway: Gateway
  readonly synchroniser: Synchroniser
  readonly webhook: Webhook
  readonly config: Pick<Config, 'reconcile'>
  readonly random: Random
  readonly events: EventBus
  readonly log: Logger
}

const cursor = 'stripe-events'
const leaseMs = 600_000
const refetchBatch = 50

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
    this.#loop = new Loop(() => this.#tick(), needs.config.reconcile.every, failed)
  }

  start(): void {
    if (this.#needs.workerGateway.canRead) this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** `undefined`: another instance is at it. */
  async run(since?: Date): Promise<Reconciled | undefined> {
    const { database, random } = this.#needs
    const lease = await takeLease(database.knex, 'reconciler', random.uuid(), leaseMs)
    if (!lease) return undefined
    try {
      const events = await this.#missed(since)
      this.#tell('event', events.inserted)
      const rows = await this.#drift()
      this.#tell('subscription', rows.drifted)
      return { ...events, ...rows }
    } finally {
      await endLease(database.knex, lease)
    }
  }

  async #tick(): Promise<boolean> {
    const found = await this.run()
    if (found && found.inserted + found.drifted > 0) {
      this.#needs.log.warn({ ...found }, 'webhooks were missed, and are made up for')
    }
    return false
  }

  #tell(kind: 'event' | 'subscription', count: number): void {
    if (count === 0) return
    this.#needs.events.emit(BillingEvents, 'billing:drift-found', { kind, count })
  }

  async #missed(from: Date | undefined): Promise<Pick<Reconciled, 'inserted' | 'seen'>> {
    const { database } = this.#needs
    const startedAt = await databaseTime(database.knex)
    const since = from ?? (await this.#since(startedAt))
    let [seen, inserted, after] = [0, 0, undefined as string | undefined]
    do {
      const page = await this.#needs.workerGateway.events(since, after)
      const found = await Promise.all(page.events.map((event) => this.#insert(event)))
      seen += found.length
      inserted += found.filter((isNew) => isNew).length
      after = page.next
    } while (after !== undefined)
    await writeCursor(database.knex, cursor, startedAt.toISOString())
    return { seen, inserted }
  }

  async #since(now: Date): Promise<Date> {
    const { overlap, first } = this.#needs.config.reconcile
    const last = await readCursor(this.#needs.database.knex, cursor)
    return last === undefined
      ? new Date(now.getTime() - first)
      : new Date(Date.parse(last) - overlap)
  }

  async #insert(object: object): Promise<boolean> {
    const event = readEvent(JSON.stringify(object))
    if (!event) return false
    const answer = await this.#needs.webhook.store(event)
    return answer === 'received' || answer === 'ignored'
  }

  async #drift(): Promise<Pick<Reconciled, 'refetched' | 'drifted'>> {
    const { database, config, synchroniser } = this.#needs
    const due = await dueForRefetch(database.knex, config.reconcile.refresh, refetchBatch)
    let drifted = 0
    for (const { id } of due) {
      try {
        if (await synchroniser.sync(id)) drifted += 1
      } catch (error) {
        if (!(error instanceof Busy)) throw error
      }
    }
    return { refetched: due.length, drifted }
  }
}

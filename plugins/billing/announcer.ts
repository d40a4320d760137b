import type { EventBus, Logger } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Fact } from './apply.ts'
import { BillingEvents } from './contract.ts'
import { ownerOf } from './customers.ts'
import type { Entitlements } from './entitlements.ts'
import { changed } from './sql.ts'

const channel = 'billing_entitlements'

interface Needs {
  readonly database: DatabaseService
  readonly entitlements: Entitlements
  readonly events: EventBus
  readonly log: Logger
}

/** Tells what was committed: to this process, and to the caches of the others. */
export class Announcer {
  readonly #needs: Needs
  #deafen: () => void = () => {}

  constructor(needs: Needs) {
    this.#needs = needs
  }

  /** NOTIFY is a speed-up: without it a cache is a minute behind. */
  listen(): void {
    const { database, entitlements, log } = this.#needs
    this.#deafen = database.listen(channel, (owner) => {
      entitlements.forget(owner).catch((err: unknown) => log.warn({ err }, 'a cache entry stayed'))
    })
  }

  deafen(): void {
    this.#deafen()
  }

  async announce(facts: readonly Fact[]): Promise<void> {
    for (const fact of facts) await this.#announce(fact)
  }

  async #announce(fact: Fact): Promise<void> {
    const { events } = this.#needs
    if (fact.kind === 'checkout') {
      const { plan, outcome } = fact
      return events.emit(BillingEvents, 'billing:checkout-finished', { plan, outcome })
    }
    if (fact.kind === 'paid') {
      const owner = await ownerOf(this.#needs.database.knex, fact.customer)
      return owner === null
        ? undefined
        : events.emit(BillingEvents, 'billing:invoice-paid', { owner })
    }
    await this.#refresh(fact.owner)
    const { owner } = fact
    if (fact.kind === 'changed') {
      const { plan, status } = fact
      events.emit(BillingEvents, 'billing:subscription-changed', { owner, plan, status })
    }
    events.emit(BillingEvents, 'billing:entitlements-changed', { owner })
  }

  async #refresh(owner: string): Promise<void> {
    const { database, entitlements } = this.#needs
    await entitlements.forget(owner)
    if (database.kind === 'pglite') return
    await changed(database.knex, `select pg_notify(?, ?)`, [channel, owner])
  }
}

import type { Logger, Random } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'
import type { Knex } from 'knex'

import type { Announcer } from './announcer.ts'
import { applyEvent } from './apply.ts'
import type { Fact } from './apply.ts'
import { finish } from './claims.ts'
import type { Config } from './config.ts'
import { ownerOf } from './customers.ts'
import { isMissing } from './errors.ts'
import type { Gateway } from './gateway.ts'
import { provisional } from './invoice-shape.ts'
import { endLease, takeLease } from './leases.ts'
import type { Lease } from './leases.ts'
import { newest, toldOf } from './payload.ts'
import type { Catalogue } from './plans.ts'
import type { Resolved } from './resolve.ts'
import { subscriptionFacts } from './subscription-shape.ts'
import type { SubscriptionFacts } from './subscription-shape.ts'
import { findSubscription, markMissing, replaceItems, upsertSubscription } from './subscriptions.ts'
import type { Change, SubscriptionRow } from './subscriptions.ts'

/** What an event says whose object is gone. */
export const missingNote = 'Stripe does not have it'

/** Somebody else works on the same object: try again in a moment. */
export class Busy extends Error {}

interface Needs {
  readonly database: DatabaseService
  readonly workerGateway: Gateway
  readonly catalogue: Catalogue
  readonly announcer: Announcer
  readonly config: Pick<Config, 'worker' | 'payloadAfter'>
  readonly random: Random
  readonly log: Logger
}

type Learned = Pick<Change, 'source' | 'fetchStartedAt' | 'sourceCreated' | 'needsRefetch'> & {
  readonly facts: SubscriptionFacts
  readonly snapshot: string
}

/**
 * The one way by which a subscription's row comes to be what Stripe says, for webhooks, returns from a checkout
 * and the reconciler alike:
 *
 *   lease → (covered? nothing : fetch) → transaction { lease still ours · write behind the fence · effects · done }
 *
 * An event is only a hint that something changed; what it is now is asked, and the moment before the question is
 * the fence. Without an answer to be had, the payloads in the inbox tell.
 */
export class Synchroniser {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  /** `events` are marked done with it. True when the row is another than before. */
  async sync(id: string, events: readonly Resolved[] = []): Promise<boolean> {
    const { database, random, config, announcer } = this.#needs
    const { knex } = database
    const lease = await takeLease(knex, `object:${id}`, random.uuid(), config.worker.lease)
    if (!lease) throw new Busy(id)
    try {
      const ids = events.map(({ event }) => event.id)
      const before = await findSubscription(knex, id, ids)
      const learned = before?.isCovered ? undefined : await this.#learn(id, lease, events)
      const facts = await knex.transaction((trx) =>
        this.#commit(trx, lease, { id, before, learned, events }),
      )
      await announcer.announce(facts)
      return facts.some(({ kind }) => kind === 'changed')
    } catch (error) {
      await this.#letGo(lease)
      throw error
    }
  }

  async #learn(
    id: string,
    lease: Lease,
    events: readonly Resolved[],
  ): Promise<Learned | 'missing' | undefined> {
    const { workerGateway, config } = this.#needs
    if (!workerGateway.canRead) return this.#fromPayloads(id, events)
    try {
      return fetched(await workerGateway.subscription(id), lease)
    } catch (error) {
      if (isMissing(error)) return 'missing'
      const isOld = events.some(({ event }) => event.ageMs > config.payloadAfter)
      const told = isOld ? await this.#fromPayloads(id, events) : undefined
      if (!told) throw error
      return { ...told, needsRefetch: true }
    }
  }

  async #fromPayloads(id: string, events: readonly Resolved[]): Promise<Learned | undefined> {
    const told = newest(await toldOf(this.#needs.database.knex, id))
    const facts = told && subscriptionFacts(told.object)
    if (!told || !facts) return fromInvoices(events)
    return {
      facts,
      snapshot: JSON.stringify(told.object),
      source: 'payload',
      fetchStartedAt: null,
      sourceCreated: told.createdAt,
      needsRefetch: !told.isSure,
    }
  }

  async #commit(
    trx: Knex,
    lease: Lease,
    work: {
      readonly id: string
      readonly before: SubscriptionRow | undefined
      readonly learned: Learned | 'missing' | undefined
      readonly events: readonly Resolved[]
    },
  ): Promise<readonly Fact[]> {
    const { id, before, learned, events } = work
    if (!(await endLease(trx, lease))) throw new Busy(id)
    const facts: Fact[] = []
    for (const event of events) facts.push(...(await applyEvent(trx, event)))
    if (learned === 'missing') await markMissing(trx, id, lease.takenAt)
    else if (learned) facts.push(...(await this.#write(trx, before, learned, events)))
    const note = learned === 'missing' ? missingNote : null
    await finish(
      trx,
      events.map(({ event }) => event.id),
      'done',
      note,
    )
    return facts
  }

  async #write(
    trx: Knex,
    before: SubscriptionRow | undefined,
    learned: Learned,
    events: readonly Resolved[],
  ): Promise<readonly Fact[]> {
    const { facts } = learned
    const owner = facts.owner ?? (await ownerOf(trx, facts.customer)) ?? before?.owner ?? null
    const plan = this.#needs.catalogue.planOf(facts.items)
    const account = events[0]?.event.account ?? ''
    const isWritten = await upsertSubscription(trx, { ...learned, owner, plan, account })
    if (!isWritten) return []
    await replaceItems(trx, facts.id, facts.items)
    const isSame =
      before?.owner === owner &&
      before.plan === plan &&
      before.status === facts.status &&
      !hasMoved(before, facts)
    if (isSame || owner === null) return []
    const { status } = facts
    const lost = before?.owner && before.owner !== owner ? before.owner : undefined
    const told: Fact[] = lost === undefined ? [] : [{ kind: 'entitled', owner: lost }]
    return [...told, { kind: 'changed', owner, plan, status }]
  }

  async #letGo(lease: Lease): Promise<void> {
    try {
      await endLease(this.#needs.database.knex, lease)
    } catch (err) {
      this.#needs.log.debug({ err, lease: lease.name }, 'a lease is left to run out')
    }
  }
}

function fetched(object: unknown, { takenAt }: Lease): Learned {
  const facts = subscriptionFacts(object)
  if (!facts) throw new TypeError('a subscription without customer or status')
  return {
    facts,
    snapshot: JSON.stringify(object),
    source: 'refetch',
    fetchStartedAt: takenAt,
    sourceCreated: null,
    needsRefetch: false,
  }
}

/** Three event types were all that the seed heard: then an invoice is what tells of a subscription. */
function fromInvoices(events: readonly Resolved[]): Learned | undefined {
  for (const { family, object, event } of events) {
    const facts = family === 'invoice' ? provisional(object, event.livemode) : undefined
    if (!facts) continue
    return {
      facts,
      snapshot: JSON.stringify(object),
      source: 'invoice',
      fetchStartedAt: null,
      sourceCreated: null,
      needsRefetch: true,
    }
  }
  return undefined
}

const hasMoved = (before: SubscriptionRow, facts: SubscriptionFacts) =>
  before.currentPeriodEnd?.getTime() !== facts.currentPeriodEnd?.getTime() ||
  before.cancelAt?.getTime() !== facts.cancelAt?.getTime()

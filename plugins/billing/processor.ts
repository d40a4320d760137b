import { isProblem } from 'autodocops'
import type { Logger, Random } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Announcer } from './announcer.ts'
import { applyEvent } from './apply.ts'
import type { Fact } from './apply.ts'
import { fail, finish, postpone, retryDelay } from './claims.ts'
import type { ClaimedEvent } from './claims.ts'
import { isMissing } from './errors.ts'
import { entitledCustomer } from './entitlement-sync.ts'
import type { EntitlementSync } from './entitlement-sync.ts'
import type { Gateway } from './gateway.ts'
import { groupBy } from './group-by.ts'
import { resolve } from './resolve.ts'
import type { Resolved } from './resolve.ts'
import { Busy, missingNote } from './sync.ts'
import type { Synchroniser } from './sync.ts'

interface Needs {
  readonly database: DatabaseService
  readonly workerGateway: Gateway
  readonly synchroniser: Synchroniser
  readonly entitlementSync: EntitlementSync
  readonly announcer: Announcer
  readonly random: Random
  readonly log: Logger
}

const busyMs = 250

/** Does what claimed events ask for. Never rejects for their sake: each ends done, postponed, to be retried or dead. */
export class Processor {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  /** Events of one subject, all of one claim. One that always fails does not keep back the others. */
  async process(events: readonly ClaimedEvent[], token: string): Promise<void> {
    try {
      await this.#attempt(events)
    } catch (error) {
      if (error instanceof Busy) {
        await postpone(this.#needs.database.knex, idsOf(events), token, busyMs)
        return
      }
      if (events.length === 1 || isOutage(error)) return this.#fail(events, token, error)
      for (const event of events) await this.process([event], token)
    }
  }

  async #attempt(events: readonly ClaimedEvent[]): Promise<void> {
    const { database, workerGateway, synchroniser, entitlementSync } = this.#needs
    const isBlind = (event: ClaimedEvent) => event.form === 'thin' && !workerGateway.canRead
    const blind = events.filter(isBlind)
    if (blind.length > 0) {
      await finish(
        database.knex,
        idsOf(blind),
        'ignored',
        'a thin event tells nothing without an API key',
      )
    }
    const resolved: Resolved[] = []
    for (const event of events) {
      const found = isBlind(event) ? undefined : await this.#resolve(event)
      if (found) resolved.push(found)
    }
    const targets = groupBy(resolved, targetOf)
    for (const [target, group] of targets) {
      if (target.startsWith('sub_')) await synchroniser.sync(target, group)
      else if (group[0]?.family === 'entitlements') await entitlementSync.sync(target, group)
      else await this.#apply(group)
    }
  }

  /** What a thin event is about may be gone since, a draft that was deleted: then there is nothing to do. */
  async #resolve(event: ClaimedEvent): Promise<Resolved | undefined> {
    const { database, workerGateway } = this.#needs
    try {
      return await resolve(event, workerGateway)
    } catch (error) {
      if (!isMissing(error)) throw error
      await finish(database.knex, [event.id], 'done', missingNote)
      return undefined
    }
  }

  async #apply(group: readonly Resolved[]): Promise<void> {
    const facts = await this.#needs.database.knex.transaction(async (trx) => {
      const found: Fact[] = []
      for (const resolved of group) found.push(...(await applyEvent(trx, resolved)))
      await finish(
        trx,
        group.map(({ event }) => event.id),
      )
      return found
    })
    await this.#needs.announcer.announce(facts)
  }

  async #fail(events: readonly ClaimedEvent[], token: string, error: unknown): Promise<void> {
    const { database, random, log } = this.#needs
    for (const event of events) {
      const delayMs = retryDelay(event.attempts, random.float)
      const said = { event: event.eventId, type: event.type, attempts: event.attempts, err: error }
      if (delayMs === undefined)
        log.error(said, 'a webhook event is dead; replay it when its cause is mended')
      else log.warn(said, 'a webhook event will be tried again')
      await fail(database.knex, event.id, token, messageOf(error), delayMs)
    }
  }
}

/** Stripe or the database is down: asking once for each event would not bring it back. */
const isOutage = (error: unknown) => isProblem(error) && error.status >= 500

const idsOf = (events: readonly ClaimedEvent[]) => events.map(({ id }) => id)

const targetOf = (resolved: Resolved): string =>
  resolved.subscription ??
  (resolved.family === 'entitlements' ? (entitledCustomer(resolved) ?? '') : '')

const messageOf = (error: unknown): string => {
  if (isProblem(error)) return `${error.code}: ${error.detail ?? error.title}`
  return error instanceof Error ? error.message : String(error)
}

import type { DatabaseService } from 'autodocops/plugins/database'
import type { Knex } from 'knex'

import type { Config } from './config.ts'
import { databaseTime, dropCursor, readCursor, writeCursor } from './cursors.ts'
import { isMissing } from './errors.ts'
import { readEvent } from './event-shape.ts'
import type { EventPage, Gateway } from './gateway.ts'
import { parse, time } from './json.ts'
import type { Json } from './json.ts'
import type { Webhook } from './webhook.ts'

export interface Missed {
  /** Events that Stripe has and we had not. */
  readonly inserted: number
  readonly seen: number
}

interface Walked extends Missed {
  readonly hadBegun: boolean
  /** It has not come to its end. */
  readonly hasMore: boolean
}

interface Needs {
  readonly database: DatabaseService
  readonly workerGateway: Gateway
  readonly webhook: Webhook
  readonly config: Pick<Config, 'reconcile'>
}

/** Where a walk is. */
interface Walk {
  readonly since: string
  /** When the newest event was made that it met; null before its first page, and when there is none. */
  readonly newest: string | null
  /** The event that its next page comes after; null at the newest. */
  readonly after: string | null
}

/** The newest event of the last walk that came to its end. */
const cursor = 'stripe-events'
const underWay = 'stripe-events-walk'

/**
 * Walks over Stripe's own list, from the newest event back to where the last walk began, and puts what is missing
 * into the inbox. Where it is gets written down page by page: whoever walks next, on another instance or after a
 * restart, goes on there. What Stripe made meanwhile is for the walk after it. Stripe's own times lead it, so that no
 * clock of ours can make it skip any.
 */
export class EventWalk {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  /** As far as `goesOn` lets it. One that had begun before leaves what Stripe made meanwhile to the next. */
  async go(goesOn: () => Promise<boolean>): Promise<Walked> {
    const { knex } = this.#needs.database
    const begun = await this.#begun()
    const now = await databaseTime(knex)
    const { walk, ...missed } = await this.#follow(begun, goesOn, (at) => save(knex, at))
    const hadBegun = begun.after !== null
    if (walk.after !== null) return { ...missed, hadBegun, hasMore: true }
    await writeCursor(knex, cursor, this.#reached(walk, now))
    await dropCursor(knex, underWay)
    return { ...missed, hadBegun, hasMore: false }
  }

  /** All since a moment, beside the walks that are written down: those must not believe to have seen the time before. */
  async since(from: Date, goesOn: () => Promise<boolean>): Promise<Missed> {
    const walk = { since: from.toISOString(), newest: null, after: null }
    const { seen, inserted } = await this.#follow(walk, goesOn, () => Promise.resolve())
    return { seen, inserted }
  }

  async #begun(): Promise<Walk> {
    const { database, config } = this.#needs
    const { overlap, first } = config.reconcile
    const walk = parse((await readCursor(database.knex, underWay)) ?? '') as Walk | undefined
    if (walk) return walk
    const last = await readCursor(database.knex, cursor)
    const since = last
      ? Date.parse(last) - overlap
      : (await databaseTime(database.knex)).getTime() - first
    return { since: new Date(since).toISOString(), newest: null, after: null }
  }

  /** Without any event it stays where it was. A time ahead of all clocks (FakeStripe has one) is not waited for. */
  #reached({ since, newest }: Walk, now: Date): string {
    const same = Date.parse(since) + this.#needs.config.reconcile.overlap
    const reached = newest === null ? same : Math.min(Date.parse(newest), now.getTime())
    return new Date(reached).toISOString()
  }

  async #follow(
    from: Walk,
    goesOn: () => Promise<boolean>,
    reach: (walk: Walk) => Promise<unknown>,
  ): Promise<Missed & { readonly walk: Walk }> {
    let [walk, seen, inserted] = [from, 0, 0]
    do {
      const { events, next } = await this.#page(walk)
      const stored = await Promise.all(events.map((event) => this.#insert(event)))
      seen += stored.length
      inserted += stored.filter((isNew) => isNew).length
      walk = { ...walk, newest: walk.newest ?? newestOf(events), after: next ?? null }
      if (walk.after !== null) await reach(walk)
    } while (walk.after !== null && (await goesOn()))
    return { walk, seen, inserted }
  }

  /** After weeks Stripe may not have the event any more that the page was to come after: then from the newest again. */
  async #page({ since, after }: Walk): Promise<EventPage> {
    const { workerGateway } = this.#needs
    try {
      return await workerGateway.events(new Date(since), after ?? undefined)
    } catch (error) {
      if (!isMissing(error) || after === null) throw error
      return workerGateway.events(new Date(since), undefined)
    }
  }

  async #insert(object: Json): Promise<boolean> {
    const event = readEvent(JSON.stringify(object))
    if (!event) return false
    const answer = await this.#needs.webhook.store(event)
    return answer === 'received' || answer === 'ignored'
  }
}

const save = (db: Knex, walk: Walk) => writeCursor(db, underWay, JSON.stringify(walk))

const newestOf = ([newest]: readonly Json[]): string | null =>
  time(newest?.['created'])?.toISOString() ?? null

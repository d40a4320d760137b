import { isProblem } from 'autodocops'
import type { Clock, EventBus, Logger } from 'autodocops'
import { BillingEvents } from './contract.ts'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Config } from './config.ts'
import { E, retryAfter } from './errors.ts'
import { familyOf, readEvent } from './event-shape.ts'
import type { InboxEvent } from './event-shape.ts'
import { GroupCommit } from './group-commit.ts'
import { receive } from './inbox.ts'
import type { Incoming } from './inbox.ts'
import { signedAt, verify } from './verify.ts'

export type Answer = 'received' | 'duplicate' | 'ignored' | 'ignored_mode'
type Outcome = 'processed' | 'duplicate' | 'ignored' | 'invalid_signature' | 'stale' | 'failed'

export interface Delivery {
  readonly body: Buffer
  readonly signature: string | readonly string[] | undefined
}

interface Needs {
  readonly database: DatabaseService
  readonly config: Config
  readonly secrets: { readonly webhook: readonly string[]; readonly livemode: boolean | undefined }
  readonly clock: Clock
  readonly events: EventBus
  readonly log: Logger
}

/** A clock that is off is told of once a minute, and not by every delivery. */
const doubtEveryMs = 60_000

/**
 * The door: verified → parsed once → committed → answered. No call to Stripe and no handler runs here, and
 * nothing unverified is ever stored.
 */
export class Webhook {
  readonly #needs: Needs
  readonly #inbox: GroupCommit<Incoming, boolean>
  #wake: () => void = () => {}
  #quietUntil = 0

  constructor(needs: Needs) {
    this.#needs = needs
    this.#inbox = new GroupCommit<Incoming, boolean>({
      write: (events) => receive(needs.database.knex, events),
      maxBatch: 128,
      maxQueue: needs.config.maxQueue,
      refuse: () => E.unavailable(retryAfter(5_000)),
    })
  }

  /** Called when an event waits for the worker. */
  onReceived(wake: () => void): void {
    this.#wake = wake
  }

  close(): void {
    this.#inbox.close()
  }

  /** Returns only after the commit. Throws what §8 of the answers says otherwise. */
  async receive(delivery: Delivery): Promise<Answer> {
    const startedAt = this.#needs.clock.monotonic()
    const told = { type: 'other', lagMs: undefined as number | undefined }
    const tell = (outcome: Outcome) =>
      this.#needs.events.emit(BillingEvents, 'billing:webhook-received', {
        ...told,
        outcome,
        durationMs: this.#needs.clock.monotonic() - startedAt,
      })
    try {
      const event = this.#accept(delivery)
      told.type = event.type
      told.lagMs = Math.max(0, this.#needs.clock.now() - event.stripeCreated.getTime())
      const answer = await this.store(event)
      tell(answer === 'received' ? 'processed' : answer === 'duplicate' ? answer : 'ignored')
      return answer
    } catch (error) {
      tell(outcomeOf(error))
      throw error
    }
  }

  /** For an event whose origin is certain: verified just now, or read from Stripe itself. */
  async store(event: InboxEvent): Promise<Answer> {
    const { livemode } = this.#needs.secrets
    const isOtherMode = livemode !== undefined && event.livemode !== livemode
    const isIgnored = isOtherMode || (!familyOf(event.type) && !event.subject?.startsWith('sub_'))
    const isFresh = await this.#commit({ ...event, status: isIgnored ? 'ignored' : 'pending' })
    if (!isIgnored) this.#wake()
    if (isOtherMode) return 'ignored_mode'
    if (!isFresh) return 'duplicate'
    return isIgnored ? 'ignored' : 'received'
  }

  #accept({ body, signature }: Delivery): InboxEvent {
    const { config, secrets, clock } = this.#needs
    if (secrets.webhook.length === 0) throw E.billing_not_configured(retryAfter(3_600_000))
    if (body.length === 0) throw E.body_missing()
    const verdict = verify(body, signature, {
      secrets: secrets.webhook,
      now: clock.now(),
      toleranceMs: config.tolerance,
      futureToleranceMs: config.futureTolerance,
    })
    if (verdict === 'timestamp_out_of_tolerance') this.#doubtClock(signedAt(signature))
    if (verdict !== 'valid') throw E[verdict]()
    const event = readEvent(body.toString('utf8'))
    if (!event) throw E.event_malformed()
    return event
  }

  /** Only who has our secret gets here: as good as always this machine's clock is off, and every webhook is refused. */
  #doubtClock(signed: number): void {
    const { clock, log } = this.#needs
    if (clock.monotonic() < this.#quietUntil) return
    this.#quietUntil = clock.monotonic() + doubtEveryMs
    const skewSeconds = Math.round((clock.now() - signed) / 1_000)
    const side = skewSeconds < 0 ? 'behind' : 'ahead of'
    log.warn(
      { skewSeconds },
      `webhooks are refused: the clock of this machine is ${Math.abs(skewSeconds)} s ${side} the time they were signed at; set it (NTP), then run autodocops billing doctor`,
    )
  }

  async #commit(event: Incoming): Promise<boolean> {
    try {
      return await this.#inbox.add(event)
    } catch (error) {
      this.#needs.log.warn({ err: error, event: event.eventId }, 'a webhook could not be stored')
      throw E.unavailable({ ...retryAfter(5_000), cause: error })
    }
  }
}

function outcomeOf(error: unknown): Outcome {
  if (!isProblem(error) || error.status >= 500) return 'failed'
  return error.code === 'timestamp_out_of_tolerance' ? 'stale' : 'invalid_signature'
}

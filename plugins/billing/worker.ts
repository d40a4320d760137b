import type { Logger, Random } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import { claim, purge, retryDelay } from './claims.ts'
import type { ClaimedEvent } from './claims.ts'
import type { Config } from './config.ts'
import type { Gateway } from './gateway.ts'
import { groupBy } from './group-by.ts'
import { Loop } from './loop.ts'
import { claimLetters, letterFailed, letterSent } from './outbox.ts'
import type { ClaimedLetter, Letter } from './outbox.ts'
import type { Processor } from './processor.ts'
import { purgeReservations, sweepReservations } from './usage.ts'

interface Needs {
  readonly database: DatabaseService
  readonly processor: Processor
  readonly workerGateway: Gateway
  readonly config: Pick<Config, 'worker' | 'retention'>
  readonly random: Random
  readonly log: Logger
}

const letterEveryMs = 5_000
const sweepEveryMs = 15_000
const purgeEveryMs = 3_600_000

/**
 * Works the inbox and the outbox of this instance. Any number of instances do so at once: rows are claimed, and an
 * object is leased while it is refetched.
 */
export class Worker {
  readonly #needs: Needs
  readonly #loops: readonly Loop[]
  readonly #events: Loop

  constructor(needs: Needs) {
    const { config, log } = needs
    const failed = (job: string) => (err: unknown) =>
      log.warn({ err, job }, 'a job of billing failed')
    this.#needs = needs
    this.#events = new Loop((signal) => this.work(signal), config.worker.poll, failed('inbox'))
    this.#loops = [
      this.#events,
      new Loop(() => this.send(), letterEveryMs, failed('outbox')),
      new Loop(() => this.sweep(), sweepEveryMs, failed('sweep')),
      new Loop(() => this.purge(), purgeEveryMs, failed('purge')),
    ]
  }

  start(): void {
    for (const loop of this.#loops) loop.start()
  }

  wake(): void {
    this.#events.wake()
  }

  /** Ends when what was claimed is done. */
  async stop(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()))
  }

  /** One claim's worth; true when there is likely more. */
  async work(signal?: AbortSignal): Promise<boolean> {
    const { database, config, processor, random } = this.#needs
    const token = random.uuid()
    const { batch, claim: claimMs, concurrency } = config.worker
    const claimed = await claim(database.knex, token, { batch, claimMs })
    const groups = [...groupBy(claimed, (event) => event.subject ?? event.id).values()]
    await eachOf(groups, concurrency, (events) => processor.process(ordered(events), token))
    return claimed.length === batch && !signal?.aborted
  }

  async send(): Promise<boolean> {
    const { database, config, workerGateway } = this.#needs
    if (!workerGateway.canRead) return false
    const letters = await claimLetters(database.knex, config.worker.claim, config.worker.batch)
    await eachOf(letters, config.worker.concurrency, (letter) => this.#deliver(letter))
    return letters.length === config.worker.batch
  }

  async sweep(): Promise<boolean> {
    return (await sweepReservations(this.#needs.database.knex)) > 0
  }

  /** Looks through all that is kept, and so seldom. */
  async purge(): Promise<boolean> {
    const { database, config } = this.#needs
    const events = await purge(database.knex, config.retention)
    const reservations = await purgeReservations(database.knex, config.retention)
    return events === 1_000 || reservations === 1_000
  }

  async #deliver({ id, payload, idempotencyKey, attempts }: ClaimedLetter): Promise<void> {
    const { database, workerGateway, random, log } = this.#needs
    const letter = JSON.parse(payload) as Letter
    try {
      if (letter.kind === 'customer.link') {
        await workerGateway.linkCustomer(letter.customer, letter.owner, idempotencyKey)
      } else await workerGateway.expireCheckout(letter.session, idempotencyKey)
      await letterSent(database.knex, id)
    } catch (error) {
      log.warn({ err: error, letter: letter.kind }, 'Stripe could not be told')
      const delayMs = retryDelay(attempts, random.float)
      await letterFailed(database.knex, id, error instanceof Error ? error.message : '', delayMs)
    }
  }
}

const ordered = (events: readonly ClaimedEvent[]) =>
  events.toSorted((a, b) => a.stripeCreated.getTime() - b.stripeCreated.getTime())

async function eachOf<T>(
  items: readonly T[],
  concurrency: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await run(item)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}

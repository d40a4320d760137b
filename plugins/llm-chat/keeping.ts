import type { Logger } from 'autodocops'
import { isProblem } from 'autodocops'

import { errorEvent, eventsOf, lastEvents, startEvent } from './events.ts'
import type { Unnumbered } from './events.ts'
import type { Generation } from './generation.ts'
import type { KeptStream, Streams } from './streams.ts'

const lookMs = 1_000

interface Services {
  readonly streams: Streams
  readonly graceMs: number
  readonly maxBytes: number
  readonly log: Logger
}

/**
 * Produces answers that do not depend on a connection. It goes on with nobody reading for the grace time, is
 * cut when it grows over the limit, and stops when told to, on any instance.
 */
export class Keeping {
  readonly #services: Services
  readonly #producing = new Set<Promise<void>>()

  constructor(services: Services) {
    this.#services = services
  }

  /** Resolves when it is kept; the answer goes on by itself. */
  async keep(generation: Generation, conversationId: string | undefined): Promise<KeptStream> {
    const kept = await this.#services.streams.keep(generation.id, generation.owner)
    kept.onStop(() => generation.cancel())
    const producing = this.#produce(generation, kept, conversationId)
      .catch((error: unknown) => this.#services.log.error({ err: error }, 'a kept answer broke'))
      .then(() => void this.#producing.delete(producing))
    this.#producing.add(producing)
    return kept
  }

  async settled(): Promise<void> {
    await Promise.all(this.#producing)
  }

  async #produce(
    generation: Generation,
    kept: KeptStream,
    conversationId: string | undefined,
  ): Promise<void> {
    const watch = this.#watch(generation, kept)
    const append = (events: readonly Unnumbered[]) => {
      kept.journal.append(events)
      kept.publish()
    }
    append([startEvent(generation, conversationId)])
    try {
      for await (const deltas of generation) {
        append(eventsOf(deltas))
        if (kept.journal.bytes > this.#services.maxBytes) generation.cancel('too_large')
      }
      append(lastEvents(generation))
    } catch (error) {
      append([errorEvent(isProblem(error) ? error.code : 'model_failed')])
    } finally {
      clearInterval(watch)
      await kept.end()
    }
  }

  /** Ends it when nobody has read it for the grace time. */
  #watch(generation: Generation, kept: KeptStream): NodeJS.Timeout {
    let aloneMs = 0
    const watch = setInterval(() => {
      aloneMs = kept.readers() > 0 ? 0 : aloneMs + lookMs
      if (aloneMs >= this.#services.graceMs) generation.cancel()
    }, lookMs)
    watch.unref()
    return watch
  }
}

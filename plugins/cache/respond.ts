import { createHash } from 'node:crypto'

import { reply } from 'autodocops'
import type { AnyRequest, Clock, Reply } from 'autodocops'

import type { FactoryContext, RespondOptions } from './contract.ts'
import type { Origin, Outcome } from './flight.ts'
import type { Namespace } from './namespace.ts'
import type { Policy } from './policy.ts'
import type { Item, MemoryStore, View } from './store-memory.ts'

const labels: Readonly<Record<Origin, string>> = {
  memory: 'HIT-L1',
  redis: 'HIT-L2',
  stale: 'STALE',
  made: 'MISS',
  oversize: 'BYPASS',
}

type Load<T> = (signal: AbortSignal) => Promise<T | undefined>

/** Cached values as HTTP replies. */
export class Responder {
  readonly #memory: MemoryStore
  readonly #clock: Clock

  constructor(memory: MemoryStore, clock: Clock) {
    this.#memory = memory
    this.#clock = clock
  }

  async respond<T>(
    request: AnyRequest,
    options: RespondOptions<T>,
    load: Load<T>,
    space: Namespace,
    policy: Policy,
  ): Promise<Reply | undefined> {
    const factory = async ({ signal, skip }: FactoryContext<T | undefined>) =>
      (await load(signal)) ?? skip(undefined)
    const fetched = space.fetch(options.key, factory, options, policy)
    const outcome = 'origin' in fetched ? fetched : await fetched
    if (outcome.json === undefined) return undefined
    const view = outcome.item?.view ?? this.#view(outcome, outcome.json, options, space)
    if (options.visible && !options.visible(view.value as T)) return undefined
    const headers = this.#headers(outcome, view, options.cacheControl ?? 'private, no-cache')
    if (matches(request.ctx.get('If-None-Match'), view.etag)) return reply(304, undefined, headers)
    return reply(200, view.bytes, { ...headers, 'Content-Type': 'application/json; charset=utf-8' })
  }

  #headers({ origin, item }: Outcome, view: View, cacheControl: string) {
    const isNew = item === undefined || origin === 'made'
    const ageMs = isNew ? 0 : this.#clock.monotonic() - item.createdAt
    return {
      ETag: view.etag,
      Age: String(Math.floor(ageMs / 1_000)),
      'Cache-Control': cacheControl,
      'X-Cache': labels[origin],
    }
  }

  /** Made once for a value, and kept beside it in memory. */
  #view<T>(outcome: Outcome, json: string, options: RespondOptions<T>, space: Namespace): View {
    const view = viewOf(json, options.body)
    if (outcome.item) this.#attach(space.at(options.key), outcome.item, view)
    return view
  }

  #attach(key: string, item: Item, view: View): void {
    this.#memory.replace(key, item, { ...item, view })
  }
}

function viewOf<T>(json: string, body: ((value: T) => unknown) | undefined): View {
  const value = freeze(JSON.parse(json) as T)
  const bytes = Buffer.from(body ? JSON.stringify(body(value)) : json)
  const digest = createHash('sha256').update(bytes).digest('base64url')
  return { value, bytes, etag: `"${digest.slice(0, 22)}"` }
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}

/** RFC 9110 §13.1.2: weak comparison, and `*` for whatever there is. */
function matches(header: string, etag: string): boolean {
  if (header === '') return false
  if (header.trim() === '*') return true
  return header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}

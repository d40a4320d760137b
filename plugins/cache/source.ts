import type { EntryOptions, FactoryContext, Skip } from './contract.ts'
import { E } from './errors.ts'
import type { Policy } from './policy.ts'
import { tagsOf, timeOf } from './policy.ts'

export type Factory<T> = (context: FactoryContext<T>) => T | Skip<T> | Promise<T | Skip<T>>

/** What a factory made: JSON text, or `undefined` where a skipped value has none. */
export interface Made {
  readonly json: string | undefined
  readonly isSkipped: boolean
  readonly ttlMs: number
  readonly tags: readonly string[]
}

class Skipped {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** One call of a factory, and what it says on the way. */
export class Source {
  readonly #key: string
  readonly #policy: Policy
  readonly #abort = new AbortController()
  #ttlMs: number
  #tags: readonly string[]

  constructor(key: string, policy: Policy) {
    this.#key = key
    this.#policy = policy
    this.#ttlMs = policy.ttlMs
    this.#tags = policy.tags
  }

  /** Aborts the factory at `hardMs`, and does not wait for it to notice. */
  async make(factory: Factory<unknown>, stale: string | undefined): Promise<Made> {
    const { hardMs } = this.#policy
    const late = E.cache_source_timeout({ key: this.#key, hardMs })
    const { promise, reject } = deferred()
    const timer = setTimeout(() => {
      this.#abort.abort(late)
      reject(late)
    }, hardMs)
    try {
      return this.#made(await Promise.race([factory(this.#context(stale)), promise]))
    } finally {
      clearTimeout(timer)
    }
  }

  get isLate(): boolean {
    return this.#abort.signal.aborted
  }

  #context(stale: string | undefined): FactoryContext<unknown> {
    return {
      signal: this.#abort.signal,
      get stale() {
        return stale === undefined ? undefined : (JSON.parse(stale) as unknown)
      },
      setTtl: (ttl: NonNullable<EntryOptions['ttl']>) => {
        this.#ttlMs = timeOf('ttl', ttl, this.#ttlMs, 1)
      },
      setTags: (tags: readonly string[]) => {
        this.#tags = tagsOf(tags)
      },
      skip: (value: unknown) => new Skipped(value) as unknown as Skip<unknown>,
    }
  }

  #made(value: unknown): Made {
    const isSkipped = value instanceof Skipped
    const json = JSON.stringify(isSkipped ? value.value : value) as string | undefined
    if (json === undefined && !isSkipped) throw E.cache_value_undefined({ key: this.#key })
    return { json, isSkipped, ttlMs: this.#ttlMs, tags: this.#tags }
  }
}

function deferred(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<never>((_resolve, fail) => (reject = fail))
  return { promise, reject }
}

import type { FactoryContext, Skip } from './contract.ts'

type LoadMany<T> = (
  missing: readonly string[],
  context: { readonly signal: AbortSignal },
) => Promise<Map<string, T>>

/** Enough for the leases of all keys to be answered; who comes later is asked for in another call. */
const graceMs = 20

/**
 * One call of a loader for the keys that miss. Each key goes its own way through the cache, with its own flight
 * and lease; those that reach their factory meet here.
 */
export class Batch<T> {
  readonly keys: readonly string[]
  readonly #load: LoadMany<T>
  /** Keys of which it is not known yet whether they miss. */
  #open: number
  #missing: string[] = []
  #call: { readonly loaded: Promise<Map<string, T>>; readonly go: () => void } | undefined

  constructor(keys: readonly string[], load: LoadMany<T>) {
    this.keys = [...new Set(keys)]
    this.#open = this.keys.length
    this.#load = load
  }

  factoryOf(key: string) {
    return async (context: FactoryContext<T | undefined>): Promise<T | Skip<T | undefined>> => {
      const call = (this.#call ??= this.#prepare(context.signal))
      this.#missing.push(key)
      this.#close()
      const loaded = await call.loaded
      return loaded.has(key) ? (loaded.get(key) as T) : context.skip(undefined)
    }
  }

  /** A key that did not miss counts too. */
  async settled<V>(value: Promise<V>): Promise<V> {
    try {
      return await value
    } finally {
      this.#close()
    }
  }

  #close(): void {
    if (--this.#open <= 0) this.#call?.go()
  }

  #prepare(signal: AbortSignal) {
    let go: () => void = () => {}
    const ready = new Promise<void>((resolve) => (go = resolve))
    const timer = setTimeout(go, graceMs)
    const loaded = ready.then(() => {
      clearTimeout(timer)
      const missing = this.#missing
      this.#missing = []
      this.#call = undefined
      return this.#load(missing, { signal })
    })
    return { loaded, go }
  }
}

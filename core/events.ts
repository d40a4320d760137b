/**
 * Events: facts that others may know of, in process and synchronous. A listener's error is logged and
 * never reaches the emitter; nothing is replayed. Never for correctness: that is a table.
 */

declare const payloads: unique symbol

/** The events of one plugin. Names are `<plugin-id>:<past-tense-kebab>`. */
export interface EventSet<M> {
  readonly owner: string
  readonly [payloads]?: M
}

/** `export const CacheEvents = events<{ 'cache:hit': { namespace: string } }>('cache')` */
export const events = <M>(owner: string): EventSet<M> => Object.freeze({ owner })

export interface EventBus {
  readonly emit: <M, K extends keyof M & string>(set: EventSet<M>, name: K, payload: M[K]) => void
  /** Returns the function that takes the listener away; it also goes when its plugin stops. */
  readonly on: <M, K extends keyof M & string>(
    set: EventSet<M>,
    name: K,
    listener: (payload: M[K]) => void,
  ) => () => void
}

type Listener = (payload: unknown) => void

/** The one bus of a host. `scoped` gives a plugin its own view, whose listeners end with it. */
export class Events {
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #onError: (error: unknown, name: string) => void

  constructor(onError: (error: unknown, name: string) => void) {
    this.#onError = onError
  }

  emit(name: string, payload: unknown): void {
    const listeners = this.#listeners.get(name)
    if (listeners === undefined) return
    for (const listener of listeners) {
      try {
        listener(payload)
      } catch (error) {
        this.#onError(error, name)
      }
    }
  }

  on(name: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(name) === listeners)
        this.#listeners.delete(name)
    }
  }

  scoped(signal: AbortSignal): EventBus {
    const endings = new Set<() => void>()
    signal.addEventListener('abort', () => endings.forEach((end) => end()), { once: true })
    return {
      emit: (_set, name, payload) => this.emit(name, payload),
      on: (_set, name, listener) => {
        const off = this.on(name, listener as Listener)
        const end = () => {
          endings.delete(end)
          off()
        }
        endings.add(end)
        return end
      },
    }
  }

  /** How many listeners there are, for leak tests. */
  get size(): number {
    return [...this.#listeners.values()].reduce((sum, set) => sum + set.size, 0)
  }
}

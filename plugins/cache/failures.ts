import type { Logger } from 'autodocops'

/** One log line for each run of failures of a namespace's sources, not for each request. */
export class Failures {
  readonly #log: Logger
  readonly #failing = new Set<string>()
  #hasToldSize = false

  constructor(log: Logger) {
    this.#log = log
  }

  begin(namespace: string, err: unknown): void {
    if (this.#failing.has(namespace)) return
    this.#failing.add(namespace)
    this.#log.warn({ namespace, err }, 'a source fails: serving what is stale')
  }

  end(namespace: string): void {
    if (this.#failing.delete(namespace)) this.#log.info({ namespace }, 'the source is back')
  }

  /** Once: it is a property of the code that caches, not of the moment. */
  oversize(key: string, size: number): void {
    if (this.#hasToldSize) return
    this.#hasToldSize = true
    this.#log.warn({ key, size }, 'a value is larger than cache.maxValue and is not kept')
  }
}

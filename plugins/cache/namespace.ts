import { Batch } from './batch.ts'
import type { CacheNamespace, EntryOptions, EntryReport } from './contract.ts'
import type { Engine } from './engine.ts'
import { E } from './errors.ts'
import type { Job, Outcome } from './flight.ts'
import { standing } from './flight.ts'
import { entryKey } from './keys.ts'
import type { Policy } from './policy.ts'
import { policyOf } from './policy.ts'
import type { Factory } from './source.ts'
import type { Item } from './store-memory.ts'

/** One namespace, and its own default times. */
export class Namespace implements CacheNamespace {
  readonly name: string
  readonly #prefix: string
  readonly #policy: Policy
  readonly #engine: Engine

  constructor(name: string, policy: Policy, engine: Engine) {
    this.name = name
    this.#policy = policy
    this.#engine = engine
    this.#prefix = engine.keys.namespace(name)
  }

  get = async <T>(key: string): Promise<T | undefined> => {
    const at = this.at(key)
    const item = this.#engine.tiers.fresh(at)
    if (item) return JSON.parse(item.json) as T
    const found = await this.#engine.tiers.look(at)
    return found.state === 'fresh' ? (JSON.parse(found.item.json) as T) : undefined
  }

  getMany = async <T>(keys: readonly string[]): Promise<Map<string, T>> => {
    const found = new Map<string, T>()
    const one = async (key: string) => put(found, key, await this.get<T>(key))
    await Promise.all(keys.map(one))
    return found
  }

  set = async <T>(key: string, value: T, options?: EntryOptions): Promise<void> => {
    const at = this.at(key)
    const policy = policyOf(options, this.#policy)
    const json = JSON.stringify(value) as string | undefined
    if (json === undefined) throw E.cache_value_undefined({ key })
    await this.#engine.writer.write(at, json, policy)
  }

  getOrSet = async <T>(key: string, factory: Factory<T>, options?: EntryOptions): Promise<T> => {
    const { json } = await this.fetch(key, factory, options)
    return (json === undefined ? undefined : JSON.parse(json)) as T
  }

  getOrSetMany = async <T>(
    keys: readonly string[],
    factory: (
      missing: readonly string[],
      context: { readonly signal: AbortSignal },
    ) => Promise<Map<string, T>>,
    options?: EntryOptions,
  ): Promise<Map<string, T>> => {
    const batch = new Batch<T>(keys, factory)
    const found = new Map<string, T>()
    const one = async (key: string) => {
      const value = this.getOrSet<T | undefined>(key, batch.factoryOf(key), options)
      put(found, key, await batch.settled(value))
    }
    await Promise.all(batch.keys.map(one))
    return found
  }

  remove = async (...keys: string[]): Promise<void> => {
    await Promise.all(keys.map((key) => this.#engine.invalidator.remove(this.at(key))))
  }

  expire = async (...keys: string[]): Promise<void> => {
    await Promise.all(keys.map((key) => this.#engine.invalidator.expire(this.at(key))))
  }

  removeByTag = async (...tags: string[]): Promise<void> => {
    await Promise.all(tags.map((tag) => this.#engine.invalidator.turn(tag, 'hard')))
  }

  expireByTag = async (...tags: string[]): Promise<void> => {
    await Promise.all(tags.map((tag) => this.#engine.invalidator.turn(tag, 'soft')))
  }

  clear = (): Promise<number> => this.#engine.invalidator.clear(this.#prefix)

  explain = (key: string): Promise<EntryReport> => this.#engine.explainer.explain(key, this.at(key))

  at(key: string): string {
    return entryKey(this.#prefix, key)
  }

  /** The value as it stands, with where it came from. */
  fetch<T>(
    key: string,
    factory: Factory<T>,
    options: EntryOptions | undefined,
    policy = this.#policy,
  ): Outcome | Promise<Outcome> {
    const at = this.at(key)
    const item = this.#engine.tiers.fresh(at)
    const eager = options?.eager ?? policy.eager
    if (item && !(eager > 0)) return standing('memory', item)
    const job: Job = {
      key: at,
      namespace: this.name,
      policy: policyOf(options, policy),
      factory: factory as Factory<unknown>,
    }
    if (!item) return this.#engine.loader.load(job)
    if (this.#isDue(item, eager)) this.#engine.loader.refresh(job, item)
    return standing('memory', item)
  }

  #isDue({ createdAt, freshUntil }: Item, eager: number): boolean {
    return this.#engine.clock.now() > createdAt + eager * (freshUntil - createdAt)
  }
}

function put<T>(found: Map<string, T>, key: string, value: T | undefined): void {
  if (value !== undefined) found.set(key, value)
}

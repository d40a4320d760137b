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
import type { Item, MemoryStore } from './store-memory.ts'
import type { Tiers } from './tiers.ts'

const mostPlaces = 10_000
const longestPlace = 128

/** One namespace, and its own default times. */
export class Namespace implements CacheNamespace {
  readonly name: string
  readonly #prefix: string
  readonly #policy: Policy
  readonly #engine: Engine
  readonly #tiers: Tiers
  readonly #memory: MemoryStore
  readonly #places = new Map<string, string>()

  constructor(name: string, policy: Policy, engine: Engine) {
    this.name = name
    this.#policy = policy
    this.#engine = engine
    this.#tiers = engine.tiers
    this.#memory = engine.memory
    this.#prefix = engine.keys.namespace(name)
  }

  get = async <T>(key: string): Promise<T | undefined> => {
    const at = this.at(key)
    const item = this.#tiers.fresh(at)
    if (item) return this.#memory.valueOf(at, item) as T
    const found = await this.#tiers.look(at)
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
    const at = this.at(key)
    const item = this.#fresh(at, factory, options, this.#policy)
    // A hit waits for nothing.
    if (item) return this.#memory.valueOf(at, item) as T
    const { json } = await this.#load(at, factory, options, this.#policy)
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

  /** Where a key stands. Remembered, since making and hashing that text anew is half of a hit. */
  at(key: string): string {
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const at = entryKey(this.#prefix, key)
    if (key.length > longestPlace) return at
    if (this.#places.size >= mostPlaces) this.#places.clear()
    this.#places.set(key, at)
    return at
  }

  /** The value as it stands, with where it came from. */
  fetch<T>(
    key: string,
    factory: Factory<T>,
    options: EntryOptions | undefined,
    policy: Policy,
  ): Outcome | Promise<Outcome> {
    const at = this.at(key)
    const item = this.#fresh(at, factory, options, policy)
    return item ? standing('memory', item) : this.#load(at, factory, options, policy)
  }

  /** From memory; past its share of the time it is refreshed meanwhile. */
  #fresh<T>(
    at: string,
    factory: Factory<T>,
    options: EntryOptions | undefined,
    policy: Policy,
  ): Item | undefined {
    const item = this.#tiers.fresh(at)
    const eager = options?.eager ?? policy.eager
    if (item && eager > 0 && this.#isDue(item, eager))
      this.#engine.loader.refresh(this.#job(at, factory, options, policy), item)
    return item
  }

  #load<T>(
    at: string,
    factory: Factory<T>,
    options: EntryOptions | undefined,
    policy: Policy,
  ): Promise<Outcome> {
    return this.#engine.loader.load(this.#job(at, factory, options, policy))
  }

  #job<T>(key: string, factory: Factory<T>, options: EntryOptions | undefined, base: Policy): Job {
    const policy = policyOf(options, base)
    return { key, namespace: this.name, policy, factory: factory as Factory<unknown> }
  }

  #isDue({ createdAt, freshUntil }: Item, eager: number): boolean {
    return this.#engine.clock.monotonic() > createdAt + eager * (freshUntil - createdAt)
  }
}

function put<T>(found: Map<string, T>, key: string, value: T | undefined): void {
  if (value !== undefined) found.set(key, value)
}

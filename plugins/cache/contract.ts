import { events, service } from 'autodocops'
import type { AnyRequest, Reply } from 'autodocops'

/** Times are milliseconds, or text with a unit (`20m`). */
export interface EntryOptions {
  readonly ttl?: number | string
  /** How long past its time a value may still be served while its factory fails. */
  readonly stale?: number | string
  /** After this long a stale value is served and the factory goes on. */
  readonly soft?: number | string
  /** After this long the factory is aborted. */
  readonly hard?: number | string
  /** Refresh ahead, in the background, past this share (0–1) of the time. */
  readonly eager?: number
  /** Up to this share (0–1) of the time is taken off by chance, so that entries do not end together. */
  readonly jitter?: number
  /** After a failed factory with a stale value: no new try for so long. */
  readonly backoff?: number | string
  readonly tags?: readonly string[]
}

declare const skipped: unique symbol
/** What a factory returns to hand a value to its callers and store nothing; made by `context.skip`. */
export interface Skip<T> {
  readonly [skipped]: T
}

export interface FactoryContext<T> {
  readonly signal: AbortSignal
  readonly stale: T | undefined
  readonly setTtl: (ttl: number | string) => void
  readonly setTags: (tags: readonly string[]) => void
  readonly skip: (value: T) => Skip<T>
}

export interface EntryReport {
  readonly key: string
  readonly memory: 'fresh' | 'stale' | 'none'
  readonly redis: 'fresh' | 'stale' | 'none' | 'down' | 'off'
  readonly expiresAt: string | null
  readonly staleUntil: string | null
  readonly tags: readonly string[]
  readonly bytes: number
  /** Why a read would miss, or serve it stale; null when it would hit. */
  readonly reason: string | null
}

/** How the cache of this process is, and what it did since it started. */
export interface CacheStatus {
  readonly redis: 'up' | 'down' | 'off'
  readonly bus: 'up' | 'down' | 'off'
  /** Invalidations that Redis has not heard of yet. */
  readonly pending: number
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly counts: {
    readonly memoryHits: number
    readonly redisHits: number
    readonly stale: number
    readonly misses: number
    readonly coalesced: number
    readonly errors: number
    readonly evictions: number
    /** Values in Redis that were not ours, or larger than is kept. */
    readonly rejected: number
    /** Values made while somebody invalidated them: handed on, not kept. */
    readonly overtaken: number
    /** Times that memory was emptied, since messages may have been missed. */
    readonly resyncs: number
  }
}

/** Values are JSON: `undefined` is refused, `null` is cached. A dead Redis never makes a call fail. */
export interface CacheNamespace {
  /** A fresh value, else `undefined`. */
  readonly get: <T>(key: string) => Promise<T | undefined>
  readonly getMany: <T>(keys: readonly string[]) => Promise<Map<string, T>>
  readonly set: <T>(key: string, value: T, options?: EntryOptions) => Promise<void>
  /** One factory call for all who ask at once, on all instances; its error is shared, and cached by nobody. */
  readonly getOrSet: <T>(
    key: string,
    factory: (context: FactoryContext<T>) => T | Skip<T> | Promise<T | Skip<T>>,
    options?: EntryOptions,
  ) => Promise<T>
  readonly getOrSetMany: <T>(
    keys: readonly string[],
    factory: (
      missing: readonly string[],
      context: { readonly signal: AbortSignal },
    ) => Promise<Map<string, T>>,
    options?: EntryOptions,
  ) => Promise<Map<string, T>>
  /** Gone at once, on every instance; beats a factory in flight. */
  readonly remove: (...keys: string[]) => Promise<void>
  readonly removeByTag: (...tags: string[]) => Promise<void>
  /** Out of date: may be served stale while its factory runs or fails. */
  readonly expire: (...keys: string[]) => Promise<void>
  readonly expireByTag: (...tags: string[]) => Promise<void>
  /** Returns how many entries of this namespace went. */
  readonly clear: () => Promise<number>
  readonly explain: (key: string) => Promise<EntryReport>
}

/**
 * The value cached is all that `load` gives (a DTO with its owner, say); what is sent is `body` of it.
 * One namespace holds one kind of value with one `body`: the bytes made from it are kept.
 */
export interface RespondOptions<T> extends EntryOptions {
  readonly key: string
  readonly namespace: string
  /** What is sent, as JSON; the value itself when absent. Called once for a value, not for a request. */
  readonly body?: (value: T) => unknown
  /** Checked on every read, after it: false answers as if there were nothing. The value is frozen. */
  readonly visible?: (value: T) => boolean
  /** `Cache-Control` of the reply; `private, no-cache` when absent. */
  readonly cacheControl?: string
}

export interface CacheService extends CacheNamespace {
  readonly namespace: (name: string, defaults?: EntryOptions) => CacheNamespace
  /**
   * The value as a JSON reply with ETag, 304, `Age` and `X-Cache: HIT-L1 | HIT-L2 | STALE | MISS | BYPASS`;
   * `undefined` when `load` gives `undefined` (which is not cached) or the value is not visible. Keeps the
   * bytes: a hit in memory does no JSON work. `BYPASS`: too large to be kept.
   */
  readonly respond: <T>(
    request: AnyRequest,
    options: RespondOptions<T>,
    load: (signal: AbortSignal) => Promise<T | undefined>,
  ) => Promise<Reply | undefined>
  readonly status: () => CacheStatus
}

export const Cache = service('cache').of<CacheService>()

export const stores = ['memory', 'redis'] as const
export const operations = ['get', 'set', 'delete', 'clear'] as const
export const outcomes = ['hit', 'miss', 'stale', 'ok', 'error', 'bypass'] as const
type Store = (typeof stores)[number]
type Operation = (typeof operations)[number]

export const CacheEvents = events<{
  'cache:operation-finished': {
    readonly store: Store
    readonly operation: Operation
    readonly outcome: (typeof outcomes)[number]
    /** Of hits in memory one of 32 is timed. */
    readonly durationMs: number | undefined
  }
  'cache:entry-evicted': { readonly store: Store; readonly reason: 'size' | 'ttl' }
  'cache:call-coalesced': { readonly store: Store }
  'cache:value-rejected': { readonly reason: 'corrupt' | 'oversize' }
  'cache:value-overtaken': Record<never, never>
  'cache:source-finished': {
    readonly namespace: string
    readonly outcome: 'ok' | 'error' | 'timeout'
    readonly durationMs: number
  }
  'cache:memory-resynced': Record<never, never>
  'cache:degraded': { readonly reason: string }
  'cache:recovered': { readonly downMs: number }
}>('cache')

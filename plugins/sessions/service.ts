import { createHash } from 'node:crypto'

import type { Clock, EventBus, Logger } from 'autodocops'

import type { SessionConfig } from './config.ts'
import { SessionEvents } from './contract.ts'
import { E } from './errors.ts'
import { mergeData, parseRecord } from './record.ts'
import type { SessionData, SessionRecord, Visit } from './record.ts'
import type { ObservedSessionStore } from './store-observed.ts'

/** Each try that fails means that another writer got through, so this many writers at once all do. */
const maxTries = 64

interface Deps {
  readonly config: SessionConfig
  readonly store: ObservedSessionStore
  readonly clock: Clock
  readonly events: EventBus
  readonly log: Logger
}

export interface NewSession {
  readonly id: string
  readonly subject: string | null
  readonly scopes: readonly string[]
  readonly userAgent: string | null
  readonly data: SessionData
  /** The session whose place it takes. `mustLive`: it proves who is asking, so nothing survives its end. */
  readonly replaces?: Visit | undefined
  readonly mustLive: boolean
}

type Ending = 'logout' | 'expired' | 'rotated' | 'revoked'

/**
 * The life of a session: created → (touched | saved)* → ended. It ends by logout, revocation, replacement at a
 * login, `ttl` without use, or `absolute` after its login. Nothing leaves `ended`: every write is a swap of what
 * was read, so a request in flight cannot bring a session back.
 */
export class SessionKeeper {
  readonly #config: SessionConfig
  readonly #store: ObservedSessionStore
  readonly #clock: Clock
  readonly #events: EventBus
  readonly #log: Logger

  constructor({ config, store, clock, events, log }: Deps) {
    this.#config = config
    this.#store = store
    this.#clock = clock
    this.#events = events
    this.#log = log
  }

  async load(id: string): Promise<Visit | undefined> {
    const handle = handleOf(id)
    const raw = await this.#store.read(handle)
    const record = raw === undefined ? undefined : parseRecord(raw)
    if (raw === undefined || record === undefined) return undefined
    const visit = { id, handle, raw, record }
    if (this.#clock.now() < record.expiresAt) return visit
    await this.end(visit, 'expired')
    return undefined
  }

  /** Past half of its time: used, so it lives on. */
  isDue(record: SessionRecord): boolean {
    const now = this.#clock.now()
    const isHalfOver = record.expiresAt - now < this.#config.ttl / 2
    return isHalfOver && this.#endOf(record.createdAt, now) > record.expiresAt
  }

  /** A speed-up of nothing and a promise to nobody: when it fails, the next request tries again. */
  async touch(visit: Visit): Promise<Visit> {
    const record = this.#seenNow(visit.record)
    const raw = JSON.stringify(record)
    try {
      const swap = await this.#store.touch(visit.handle, visit.raw, raw, this.#ttlOf(record))
      if (swap !== 'swapped') return visit
      await this.#enlist(visit.handle, record)
      return { ...visit, raw, record }
    } catch (err) {
      this.#log.warn({ err }, 'a session was not renewed')
      return visit
    }
  }

  async save(visit: Visit, data: SessionData): Promise<Visit> {
    let { raw: seen, record: theirs } = visit
    for (let tries = 0; tries < maxTries; tries++) {
      const merged = mergeData(visit.record.data, data, theirs.data)
      const record = this.#seenNow({ ...theirs, data: merged })
      const raw = this.#textOf(record)
      const swap = await this.#store.swap(visit.handle, seen, raw, this.#ttlOf(record))
      if (swap === 'swapped') return this.#saved(visit, raw, record)
      const found = swap === 'gone' ? undefined : parseRecord(swap.found)
      if (swap === 'gone' || found === undefined) throw E.session_ended()
      seen = swap.found
      theirs = found
    }
    throw E.session_busy({ headers: { 'retry-after': '1' } })
  }

  /** The new one stands before the old one falls: whoever revokes all meanwhile finds at least one of them. */
  async create(wanted: NewSession): Promise<Visit> {
    const { id, replaces, mustLive } = wanted
    const record = this.#recordOf(wanted)
    const visit = { id, handle: handleOf(id), raw: this.#textOf(record), record }
    await this.#store.create(visit.handle, visit.raw, this.#ttlOf(record))
    await this.#enlist(visit.handle, record)
    this.#events.emit(SessionEvents, 'sessions:created', {})
    const didReplace = replaces !== undefined && (await this.end(replaces, 'rotated'))
    if (mustLive && !didReplace) {
      await this.end(visit, 'revoked')
      throw E.session_ended()
    }
    if (record.subject !== null) await this.#makeRoom(record.subject)
    return visit
  }

  /** False: it was over already. */
  async end({ handle, record }: Visit, reason: Ending): Promise<boolean> {
    return this.#end(record.subject, handle, reason)
  }

  async list(subject: string): Promise<readonly Omit<Visit, 'id'>[]> {
    const handles = await this.#store.handlesOf(subject)
    const found = await Promise.all(handles.map((handle) => this.#peek(subject, handle)))
    return found.filter((visit) => visit !== undefined)
  }

  async revoke(subject: string, handle: string): Promise<boolean> {
    const theirs = await this.#store.handlesOf(subject)
    return theirs.includes(handle) && this.#end(subject, handle, 'revoked')
  }

  /** Looks again until none is left: a login that was under way may have replaced one by another. */
  async revokeAll(subject: string, except?: string): Promise<number> {
    let ended = 0
    for (let round = 0; round < maxTries; round++) {
      const all = await this.#store.handlesOf(subject)
      const handles = all.filter((handle) => handle !== except)
      if (handles.length === 0) break
      const ends = handles.map((handle) => this.#end(subject, handle, 'revoked'))
      ended += (await Promise.all(ends)).filter(Boolean).length
    }
    return ended
  }

  count(): Promise<number> {
    return this.#store.count()
  }

  async #peek(subject: string, handle: string): Promise<Omit<Visit, 'id'> | undefined> {
    const raw = await this.#store.read(handle)
    const record = raw === undefined ? undefined : parseRecord(raw)
    if (raw !== undefined && record?.subject === subject) return { handle, raw, record }
    await this.#store.delist(subject, handle)
    return undefined
  }

  async #end(subject: string | null, handle: string, reason: Ending): Promise<boolean> {
    const wasLiving = await this.#store.destroy(handle)
    if (subject !== null) await this.#store.delist(subject, handle)
    if (wasLiving) this.#events.emit(SessionEvents, 'sessions:destroyed', { reason })
    return wasLiving
  }

  async #makeRoom(subject: string): Promise<void> {
    const handles = await this.#store.handlesOf(subject)
    const surplus = handles.slice(0, Math.max(0, handles.length - this.#config.maxPerUser))
    await Promise.all(surplus.map((handle) => this.#end(subject, handle, 'revoked')))
  }

  async #saved(visit: Visit, raw: string, record: SessionRecord): Promise<Visit> {
    if (record.expiresAt !== visit.record.expiresAt) await this.#enlist(visit.handle, record)
    return { ...visit, raw, record }
  }

  async #enlist(handle: string, { subject, expiresAt }: SessionRecord): Promise<void> {
    if (subject !== null) await this.#store.enlist(subject, handle, expiresAt)
  }

  #recordOf({ subject, scopes, userAgent, data, replaces, mustLive }: NewSession): SessionRecord {
    const now = this.#clock.now()
    // A session that only takes a new id was not proven anew: its absolute lifetime goes on.
    const createdAt = mustLive && replaces !== undefined ? replaces.record.createdAt : now
    const expiresAt = this.#endOf(createdAt, now)
    return { subject, scopes: [...scopes], createdAt, seenAt: now, expiresAt, userAgent, data }
  }

  #seenNow(record: SessionRecord): SessionRecord {
    const now = this.#clock.now()
    const expiresAt = this.isDue(record) ? this.#endOf(record.createdAt, now) : record.expiresAt
    return { ...record, seenAt: now, expiresAt }
  }

  #endOf(createdAt: number, now: number): number {
    return Math.min(now + this.#config.ttl, createdAt + this.#config.absolute)
  }

  #ttlOf({ expiresAt }: SessionRecord): number {
    return Math.max(1, expiresAt - this.#clock.now())
  }

  #textOf(record: SessionRecord): string {
    const raw = JSON.stringify(record)
    const { maxBytes } = this.#config
    const bytes = Buffer.byteLength(raw)
    if (bytes > maxBytes) throw E.session_too_large({ bytes, maxBytes })
    return raw
  }
}

const handleOf = (id: string) => createHash('sha256').update(id).digest('base64url')

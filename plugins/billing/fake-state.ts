import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Clock, Random } from 'autodocops'

import { parse, record } from './json.ts'

/** An object of Stripe's as FakeStripe keeps it. */
export type FakeObject = Record<string, unknown> & { readonly id: string; readonly object: string }

interface Kept {
  readonly secret: string
  readonly skewMs: number
  readonly port: number
  readonly objects: readonly FakeObject[]
  readonly failing: readonly string[]
}

/**
 * Everything that FakeStripe knows. Kept in a file of `dataDir`, since the subscriptions in the database outlive
 * this process and Stripe would still know them; without a file (tests) in memory only. The file is the truth: in
 * a reload two instances share it.
 */
export class FakeState {
  readonly #clock: Clock
  readonly #random: Random
  readonly #file: string | undefined
  readonly #objects = new Map<string, FakeObject>()
  /** What an object was before its last change: what a replica that lags behind would say. */
  readonly #before = new Map<string, FakeObject>()
  /** Customers whose card is declined. */
  readonly failing = new Set<string>()
  /** Where it listened the last time, so that a page left open still works. */
  port = 0
  #secret = ''
  #skewMs = 0
  /** The file as it was when we last read or wrote it. */
  #seen = ''

  constructor(needs: { clock: Clock; random: Random; dataDir: string | undefined }) {
    this.#clock = needs.clock
    this.#random = needs.random
    this.#file = needs.dataDir && join(needs.dataDir, 'fake-stripe.json')
  }

  load(): void {
    this.#seen = this.#stamp()
    const kept = record(parse(this.#read())) as Partial<Kept>
    this.#secret = kept.secret ?? (this.#secret || this.#newSecret())
    this.#skewMs = kept.skewMs ?? this.#skewMs
    this.port = kept.port ?? this.port
    for (const object of kept.objects ?? []) this.#objects.set(object.id, object)
    if (kept.failing) this.failing.clear()
    for (const customer of kept.failing ?? []) this.failing.add(customer)
  }

  /** Whole or not at all: a kill in between leaves the old file. */
  save(): void {
    if (!this.#file) return
    const kept: Kept = {
      secret: this.#secret,
      skewMs: this.#skewMs,
      port: this.port,
      objects: [...this.#objects.values()],
      failing: [...this.failing],
    }
    mkdirSync(join(this.#file, '..'), { recursive: true })
    writeFileSync(`${this.#file}.new`, JSON.stringify(kept), { mode: 0o600 })
    renameSync(`${this.#file}.new`, this.#file)
    this.#seen = this.#stamp()
  }

  keepPort(port: number): void {
    this.#catchUp()
    this.port = port
    this.save()
  }

  get secret(): string {
    return this.#secret
  }

  /** Seconds, as Stripe counts them; ahead of the real time by what was advanced. */
  now(): number {
    this.#catchUp()
    return Math.floor((this.#clock.now() + this.#skewMs) / 1_000)
  }

  /** What signatures carry: a webhook is sent now, however far the clock was moved. */
  realTime(): number {
    return this.#clock.now()
  }

  advance(seconds: number): void {
    this.#catchUp()
    this.#skewMs += seconds * 1_000
  }

  id(prefix: string): string {
    return `${prefix}_${this.#random.bytes(12).toString('hex')}`
  }

  find(id: string, object?: string): FakeObject | undefined {
    this.#catchUp()
    const found = this.#objects.get(id)
    return object === undefined || found?.object === object ? found : undefined
  }

  stale(id: string): FakeObject | undefined {
    return this.#before.get(id) ?? this.#objects.get(id)
  }

  /** Newest first, as every list of Stripe's. */
  all(object: string): readonly FakeObject[] {
    this.#catchUp()
    return [...this.#objects.values()].filter((one) => one.object === object).toReversed()
  }

  /** Puts a new version in the place of the old one, and returns it. */
  put<T extends FakeObject>(object: T): T {
    const before = this.#objects.get(object.id)
    if (before) this.#before.set(object.id, before)
    this.#objects.set(object.id, object)
    return object
  }

  #catchUp(): void {
    if (this.#stamp() !== this.#seen) this.load()
  }

  #stamp(): string {
    const found = this.#file && statSync(this.#file, { throwIfNoEntry: false, bigint: true })
    return found ? `${found.ino} ${found.mtimeNs}` : ''
  }

  #newSecret(): string {
    return `whsec_${this.#random.bytes(24).toString('hex')}`
  }

  #read(): string {
    try {
      return this.#file ? readFileSync(this.#file, 'utf8') : ''
    } catch {
      return ''
    }
  }
}

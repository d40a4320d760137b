import { randomBytes } from 'node:crypto'

import type { Events } from './events.ts'
import type { Instance } from './instance.ts'
import type { AppView, Clock, Provided, Random, ServerFacts } from './plugin.ts'

/** The real clock. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** Real chance. */
export const systemRandom: Random = {
  float: () => Math.random(),
  bytes: (count) => randomBytes(count),
  uuid: () => uuidv7(Date.now(), randomBytes(10)),
}

/** RFC 9562 §5.7: 48 bits of milliseconds, then version, variant and 74 bits of chance. */
export function uuidv7(now: number, chance: Buffer): string {
  const bytes = Buffer.concat([Buffer.alloc(6), chance])
  bytes.writeUIntBE(now, 0, 6)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

export interface Environment {
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly app: AppView
}

/** What every instance gets; `config`, `lifecycle` and its imports come from the instance itself. */
export const provide = (
  { events, clock, random, app }: Environment,
  server: ServerFacts,
  instance: Instance,
): Omit<Provided<unknown>, 'config' | 'lifecycle'> => ({
  log: instance.log,
  events: events.scoped(instance.signal),
  clock,
  random,
  server,
  app,
})

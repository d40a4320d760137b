import type { Knex } from 'knex'

import { objectIn, previousIn } from './event-shape.ts'
import { record, text } from './json.ts'
import type { Json } from './json.ts'
import { rows } from './sql.ts'
import { isEnded } from './subscription-shape.ts'

/** A snapshot event of one subscription. */
export interface Told {
  readonly type: string
  readonly stripeCreated: Date
  readonly raw: string
}

export interface Newest {
  readonly object: Json
  readonly createdAt: Date
  /** False: the order within a second could not be told. */
  readonly isSure: boolean
}

/** All that the inbox holds of it; the newest say what it is. */
export const toldOf = (db: Knex, subscription: string): Promise<Told[]> =>
  rows<Told>(
    db,
    `select type, stripe_created, raw from billing_events
     where subject = ? and form = 'snapshot' and type like 'customer.subscription.%' and status <> 'ignored'
     order by (type = 'customer.subscription.deleted') desc, stripe_created desc, id desc limit 50`,
    [subscription],
  )

interface Step {
  readonly object: Json
  readonly previous: Json
  readonly isFirst: boolean
  readonly createdAt: Date
}

/**
 * The state that a set of events tells, in whatever order they came: an end wins, else the newest second; within
 * it `created` is first and each update follows the one whose values are its `previous_attributes`.
 */
export function newest(told: readonly Told[]): Newest | undefined {
  const steps = told.map(stepOf)
  const ended = steps.find(({ object }) => isEnded(text(object['status']) ?? ''))
  if (ended) return { object: ended.object, createdAt: ended.createdAt, isSure: true }

  const last = Math.max(...steps.map(({ createdAt }) => createdAt.getTime()))
  const within = steps.filter(({ createdAt }) => createdAt.getTime() === last)
  const [only] = within
  if (!only) return undefined
  if (within.length === 1) return { object: only.object, createdAt: only.createdAt, isSure: true }
  return lastOf(within)
}

const stepOf = ({ type, stripeCreated, raw }: Told): Step => ({
  object: objectIn(raw),
  previous: previousIn(raw),
  isFirst: type === 'customer.subscription.created',
  createdAt: stripeCreated,
})

/** The last of every order that is a chain; more than one possible end is no certainty. */
function lastOf(steps: readonly Step[]): Newest {
  const ends = new Set<Step>()
  if (steps.length <= 8) walk([], steps, ends)
  const updates = steps.filter((step) => !step.isFirst)
  const tails = updates.filter(
    (step) => !updates.some((next) => next !== step && follows(next, step)),
  )
  const [end] = [...ends, ...tails, ...steps]
  const chosen = end ?? steps[0]
  return {
    object: chosen?.object ?? {},
    createdAt: chosen?.createdAt ?? new Date(0),
    isSure: new Set([...ends].map(({ object }) => stable(object))).size === 1,
  }
}

function walk(path: readonly Step[], rest: readonly Step[], ends: Set<Step>): void {
  const last = path.at(-1)
  if (rest.length === 0 && last) ends.add(last)
  for (const step of rest) {
    const fits = last
      ? !step.isFirst && follows(step, last)
      : step.isFirst || !rest.some((s) => s.isFirst)
    if (fits)
      walk(
        [...path, step],
        rest.filter((other) => other !== step),
        ends,
      )
  }
}

/** What changed in `next` is what `before` had. */
const follows = (next: Step, before: Step) =>
  Object.keys(next.previous).length > 0 && matches(next.previous, before.object)

function matches(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || part === null || Array.isArray(part))
    return stable(part) === stable(whole)
  const values = record(whole)
  return Object.entries(part).every(([key, value]) => matches(value, values[key] ?? null))
}

/** JSON with sorted keys: equal values are equal text. */
const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  ) ?? 'null'

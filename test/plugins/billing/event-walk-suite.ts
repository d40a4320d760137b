import { test } from 'uvu'

import { eventWalkFacts } from './event-walk-facts.ts'
import { emptied } from './stage.ts'
import type { embedded } from './stage.ts'

/** All that the walk over Stripe's list owes, on this database. */
export function eventWalkSuite(database: Awaited<ReturnType<typeof embedded>>): void {
  test.before.each(() => emptied(database))

  eventWalkFacts(test, database)

  test('everything ends', () => database.stop())

  test.run()
}

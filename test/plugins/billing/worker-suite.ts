import { test } from 'uvu'

import { instance } from './stage.ts'
import type { embedded } from './stage.ts'
import { duplicateFacts } from './duplicate-facts.ts'
import { goneFacts } from './gone-facts.ts'
import { payloadModeFacts } from './payload-mode-facts.ts'
import { reconcileFacts } from './reconcile-facts.ts'
import { troubleFacts } from './trouble-facts.ts'
import { workerFacts } from './worker-facts.ts'
import { worldOn } from './worker-world.ts'

/** All that the worker owes, on this database. */
export async function workerSuite(database: Awaited<ReturnType<typeof embedded>>): Promise<void> {
  const world = await worldOn(database)
  const payloadOnly = await instance({ database, secret: world.fake.state.secret })
  test.before.each(world.reset)

  workerFacts(test, world)
  duplicateFacts(test, world)
  payloadModeFacts(test, world, payloadOnly)
  troubleFacts(test, world)
  goneFacts(test, world)
  reconcileFacts(test, world)

  test('everything ends', async () => {
    await payloadOnly.stop()
    await world.end()
  })

  test.run()
}

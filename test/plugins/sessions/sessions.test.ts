import { test } from 'uvu'

import { sessionPromises } from './promises.ts'
import { start } from './world.ts'
import type { Instance } from './world.ts'

let memory: Instance

test.before(async () => {
  memory = await start()
})
test.after(() => memory.stop())

sessionPromises(test, 'memory', () => ({ a: memory, b: memory }))

test.run()

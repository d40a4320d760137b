import { rm } from 'node:fs/promises'

import { test } from 'uvu'

import { embeddedFolder } from './embedded-folder.ts'
import { migratorFacts } from './migrator-facts.ts'
import { started } from './started.ts'

const dataDir = await embeddedFolder()
const main = await started({ dataDir })

migratorFacts(
  test,
  () => main,
  (config) => started({ dataDir }, config),
)

test('the database is closed', async () => {
  await main.plugin.stop()
  await rm(dataDir, { recursive: true })
})

test.run()

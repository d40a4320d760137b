import { rm } from 'node:fs/promises'

import { test } from 'uvu'

import type { ProjectStore } from '../../../plugins/projects/store.ts'
import { embeddedFolder } from '../database/embedded-folder.ts'
import { started } from '../database/started.ts'
import { projectsOn } from './projects-on.ts'
import { storeFacts } from './store-facts.ts'

const dataDir = await embeddedFolder()
const database = await started({ dataDir })
const projects = await projectsOn(database)

storeFacts(test, () => projects.services['store'] as ProjectStore)

test('the database is closed', async () => {
  await projects.stop()
  await database.plugin.stop()
  await rm(dataDir, { recursive: true })
})

test.run()

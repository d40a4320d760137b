import { test } from 'uvu'

import type { ProjectStore } from '../../../plugins/projects/store.ts'
import { postgres } from '../../harness/postgres.ts'
import { started } from '../database/started.ts'
import { projectsOn } from './projects-on.ts'
import { storeFacts } from './store-facts.ts'

const { url } = await postgres()
const database = await started({}, { url })
const projects = await projectsOn(database)

storeFacts(test, () => projects.services['store'] as ProjectStore)

test('the database is closed', async () => {
  await projects.stop()
  await database.plugin.stop()
})

test.run()

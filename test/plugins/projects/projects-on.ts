import { testPlugin } from 'autodocops/testing'
import type { TestedPlugin } from 'autodocops/testing'
import type { CacheService } from 'autodocops/plugins/cache'

import projects from '../../../plugins/projects/index.ts'
import type { Started } from '../database/started.ts'

export type TestedProjects = TestedPlugin<(typeof projects)['provides']>

/** The plugin on a database that runs, its migrations applied. */
export async function projectsOn(
  { plugin, migrations }: Started,
  cache?: CacheService,
): Promise<TestedProjects> {
  await migrations.up('projects', projects.migrations as URL)
  const { database } = plugin.services
  return testPlugin(projects, { services: { database, ...(cache && { cache }) } })
}

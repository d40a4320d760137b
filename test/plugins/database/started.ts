import { testPlugin } from 'autodocops/testing'
import type { TestedPlugin } from 'autodocops/testing'

import type { ServerFacts } from 'autodocops'
import database from '../../../plugins/database/index.ts'
import type { MigrationRunner } from '../../../plugins/database/migrator.ts'
import type { DatabaseConnections } from '../../../plugins/database/service.ts'

export interface Started {
  readonly plugin: TestedPlugin<(typeof database)['provides']>
  readonly connections: DatabaseConnections
  readonly migrations: MigrationRunner
}

/** The plugin, running, with what it has inside. */
export async function started(
  server: Partial<ServerFacts>,
  config: unknown = {},
): Promise<Started> {
  const facts = { startBudgetMs: 60_000, ...server }
  const plugin = await testPlugin(database, { config, server: facts, startTimeoutMs: 62_000 })
  return {
    plugin,
    connections: plugin.services['connections'] as DatabaseConnections,
    migrations: plugin.services['migrations'] as MigrationRunner,
  }
}

/** The code of the problem that a promise rejects with. */
export async function codeOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work
    return 'no error'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}

import { resolve } from 'node:path'

import { Events } from './events.ts'
import { Host, type HostOptions } from './host.ts'
import type { RootLogger } from './log.ts'
import { readManifest } from './manifest/read.ts'
import { plan, type Plan } from './plan.ts'
import { systemClock, systemRandom } from './provide.ts'
import type { PluginSource } from './facts.ts'
import type { Progress } from './starter.ts'

export interface HostSetUp {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: RootLogger
  readonly sources: ReadonlyMap<string, PluginSource>
  readonly progress?: (step: Progress) => void
  /** Told of every plan that was made, for its warnings. */
  readonly planned?: (plan: Plan) => void
}

/** A host over the manifest of a folder and an environment, with the real clock and real chance. */
export function createHost(setUp: HostSetUp): Host {
  const { cwd, env, log, sources, planned } = setUp
  const { production } = readManifest({ cwd, env })
  const options: HostOptions = {
    plan: async (running) => {
      const keepsOwn = running?.isBuiltIn === false
      const made = await plan(readManifest({ cwd, env, keepsOwn }), sources, { production })
      planned?.(made)
      const server = { ...made.server, dataDir: resolve(cwd, made.server.dataDir) }
      return { ...made, server }
    },
    log,
    events: new Events((error, name) =>
      log.error({ err: error, event: name }, 'a listener failed'),
    ),
    clock: systemClock,
    random: systemRandom,
    production,
    ...(setUp.progress !== undefined && { progress: setUp.progress }),
  }
  return new Host(options)
}

import { findingsOf } from './examination.ts'
import type { Plan } from './plan.ts'
import type { Finding } from './plugin.ts'
import type { Starter } from './starter.ts'
import { excerpt, nothing, type Cast } from './transition.ts'

/** Runs `use` with the services of one plugin, started with what it needs; then all of it is stopped. */
export async function borrowed<T>(
  plan: Plan,
  name: string,
  starter: Starter,
  use: (services: object, cast: Cast) => Promise<T>,
): Promise<T> {
  const transition = starter.transition(excerpt(plan, name), 'boot', nothing, 'command')
  try {
    const cast = await transition.run()
    const instance = cast.instances.get(name)
    if (instance === undefined) throw cast.unavailable.get(name)?.error
    return await use(instance.services, cast)
  } finally {
    await transition.rollBack()
  }
}

/** What every plugin of a plan finds out about itself: built, asked, and let go; none is started. */
export async function examined(
  plan: Plan,
  starter: Starter,
  online: boolean,
  built: (cast: Cast) => void,
): Promise<readonly Finding[]> {
  const transition = starter.examination(plan)
  try {
    const cast = await transition.run()
    built(cast)
    return await findingsOf(plan, cast, online)
  } finally {
    await transition.rollBack()
  }
}

/** The rest of the plan too, loaded and not started: its routes are known, its services are not. */
export async function withTheRestLoaded(plan: Plan, cast: Cast, since: number): Promise<Cast> {
  const rest = plan.plugins.filter(({ name }) => !cast.instances.has(name))
  const error = new Error('not started for a command')
  const loaded = rest.map(
    async (planned) =>
      [planned.name, { planned, plugin: await planned.source.load(), error, since }] as const,
  )
  return { instances: cast.instances, unavailable: new Map(await Promise.all(loaded)) }
}

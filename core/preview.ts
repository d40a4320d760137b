import type { Plan } from './plan.ts'
import type { Cast } from './transition.ts'

/** What a reload would do, before it does. */
export interface Preview {
  readonly hash: string
  readonly start: readonly string[]
  readonly keep: readonly string[]
  /** Replaced or switched off: they live until their last request ends. */
  readonly retire: readonly string[]
  /** Of those that retire, what goes with their memory. */
  readonly lost: readonly { readonly plugin: string; readonly state: string }[]
}

export function previewOf(plan: Plan, running: Cast): Preview {
  const keeps = ({ name, key }: { readonly name: string; readonly key: string }) =>
    running.instances.get(name)?.key === key
  const keep = plan.plugins.filter(keeps).map(({ name }) => name)
  const retire = [...running.instances.values()].filter(({ name }) => !keep.includes(name))
  return {
    hash: plan.hash,
    start: plan.plugins.filter((planned) => !keeps(planned)).map(({ name }) => name),
    keep,
    retire: retire.map(({ name }) => name),
    lost: retire.flatMap(({ name, plugin, services }) => {
      const state = plugin.volatile?.(services as never)
      return state === undefined ? [] : [{ plugin: name, state }]
    }),
  }
}

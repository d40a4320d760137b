import type { Generation } from './generation.ts'
import { messageOf } from './instance.ts'
import type { Plan } from './plan.ts'
import type { Cast } from './transition.ts'

export interface ReloadReport {
  readonly changed: boolean
  readonly generation: number
  readonly hash: string
  readonly started: readonly string[]
  readonly kept: readonly string[]
  readonly retired: readonly string[]
  readonly unavailable: readonly { readonly plugin: string; readonly error: string }[]
  readonly ms: number
}

/** The plan is the one that runs already. */
export const unchanged = (current: Generation | undefined): ReloadReport => ({
  changed: false,
  generation: current?.id ?? 0,
  hash: current?.plan.hash ?? '',
  started: [],
  kept: [...(current?.instances.keys() ?? [])],
  retired: [],
  unavailable: [],
  ms: 0,
})

export function reportOf(
  plan: Plan,
  generation: number,
  before: Cast,
  after: Cast,
  ms: number,
): ReloadReport {
  const names = (cast: Cast, other: Cast, same: boolean) =>
    [...cast.instances].flatMap(([name, instance]) =>
      (other.instances.get(name) === instance) === same ? [name] : [],
    )
  return {
    changed: true,
    generation,
    hash: plan.hash,
    started: names(after, before, false),
    kept: names(after, before, true),
    retired: names(before, after, false),
    unavailable: [...after.unavailable].map(([plugin, { error }]) => ({
      plugin,
      error: messageOf(error),
    })),
    ms,
  }
}

import { within } from './deadline.ts'
import { isProblem } from './errors.ts'
import { messageOf } from './instance.ts'
import type { Plan } from './plan.ts'
import type { Examine, Finding } from './plugin.ts'
import type { Cast } from './transition.ts'

/** For one plugin to look about, and until it has told what it found by then. */
const [askMs, limitMs] = [5_000, 6_000]

/** What the plugins of a plan find out about themselves, in its order. One that fails is a finding too. */
export async function findingsOf(
  plan: Plan,
  cast: Cast,
  online: boolean,
): Promise<readonly Finding[]> {
  const asked = plan.plugins.map(async ({ name }) => {
    try {
      return await findingsOfOne(name, cast, online)
    } catch (error) {
      return [failure(name, error)]
    }
  })
  return (await Promise.all(asked)).flat()
}

async function findingsOfOne(
  name: string,
  { instances, unavailable }: Cast,
  online: boolean,
): Promise<readonly Finding[]> {
  const instance = instances.get(name)
  if (instance === undefined) throw unavailable.get(name)?.error
  const examine = instance.plugin.doctor as Examine<object> | undefined
  if (examine === undefined) return []
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), askMs)
  const signal = AbortSignal.any([over.signal, instance.signal])
  try {
    return await within(
      limitMs,
      examine(instance.services, { online, signal }),
      () => new Error(`no answer within ${limitMs / 1_000} s`),
    )
  } finally {
    clearTimeout(timer)
  }
}

function failure(plugin: string, error: unknown): Finding {
  const hint = isProblem(error) ? error.hint : undefined
  const fix = hint ?? `look at plugins.${plugin} in the manifest: autodocops plugins ${plugin}`
  return { check: `plugin ${plugin}`, verdict: 'failed', saw: messageOf(error), fix }
}

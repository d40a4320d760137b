import { within } from './deadline.ts'
import { HostErrors } from './host-errors.ts'
import { dependantsFirst, stopAll, type Instance } from './instance.ts'

/** A hook that failed where nobody waits for it. */
export type Failed = (plugin: string, hook: 'job' | 'stop', error: unknown) => void

/** From instances to instances, after the swap: who consumes, and until when the replaced ones live. */
export class Handover {
  readonly #failed: Failed
  readonly #hookMs: number
  readonly #retiring = new Set<Promise<void>>()

  /** A hook that takes longer than `hookMs` is told, and waited for no more: others have their turn. */
  constructor(failed: Failed, hookMs = 10_000) {
    this.#failed = failed
    this.#hookMs = hookMs
  }

  /** The old ones stop consuming before the new ones begin: rather a short gap than work done twice. */
  async hand(
    retired: readonly Instance[],
    fresh: readonly Instance[],
    retireMs: number,
  ): Promise<void> {
    await this.deactivate(retired)
    await this.#each(dependantsFirst(fresh).toReversed(), 'activate')
    const retiring = this.#retire(retired, retireMs).finally(() => this.#retiring.delete(retiring))
    this.#retiring.add(retiring)
  }

  deactivate(instances: readonly Instance[]): Promise<void> {
    return this.#each(dependantsFirst(instances), 'deactivate')
  }

  stop(instances: readonly Instance[]): Promise<void> {
    return stopAll(instances, ({ name }, error) => this.#failed(name, 'stop', error))
  }

  /** Until everything that was replaced has stopped. */
  async retired(): Promise<void> {
    await Promise.all(this.#retiring)
  }

  async #retire(retired: readonly Instance[], retireMs: number): Promise<void> {
    // Not AbortSignal.timeout: on Deno that keeps the process alive for its whole time.
    let timer: NodeJS.Timeout | undefined
    const capped = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, retireMs).unref()
    })
    for (const instance of dependantsFirst(retired)) {
      await Promise.race([instance.idle(), capped])
      await this.stop([instance])
    }
    clearTimeout(timer)
  }

  async #each(instances: readonly Instance[], hook: 'activate' | 'deactivate'): Promise<void> {
    for (const instance of instances) {
      const late = () =>
        HostErrors.plugin_hook_timeout({ plugin: instance.name, hook, ms: this.#hookMs })
      await within(this.#hookMs, instance[hook](), late).catch((error: unknown) =>
        this.#failed(instance.name, 'job', error),
      )
    }
  }
}

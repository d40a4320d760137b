import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for what is bound to come about; rejects, with the condition in words, when it does not. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  patienceMs = 20_000,
): Promise<void> {
  const end = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it never came about: ${String(holds)}`)
    await sleep(2)
  }
}

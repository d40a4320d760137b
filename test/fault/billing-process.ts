import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import type { FakeStripe } from '../../plugins/billing/fake-stripe.ts'
import { sign } from '../../plugins/billing/verify.ts'
import { adopt, exited } from '../harness/ending.ts'

const victim = fileURLToPath(
  new URL(`./billing-victim${extname(import.meta.url)}`, import.meta.url),
)

export interface BillingProcess {
  /** The status; `undefined` when it died before it answered. */
  readonly post: (event: FakeObject) => Promise<number | undefined>
  /** `kill -9`; resolves when it is gone. */
  readonly kill: () => Promise<unknown>
  readonly gone: () => Promise<unknown>
}

/** One instance of billing in a process of its own, with the worker at work. */
export async function born(
  url: string,
  fake: FakeStripe,
  dies?: 'before-it-answers',
): Promise<BillingProcess> {
  const words = [victim, url, fake.url, fake.state.secret, dies ?? '']
  const child = adopt(
    spawn(process.execPath, [...process.execArgv, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())))
    child.once('exit', () => reject(new Error('the victim ended by itself')))
  })
  return {
    post: async (event) => {
      const body = JSON.stringify(event)
      const headers = { 'stripe-signature': sign(body, fake.state.secret, Date.now()) }
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers })
        return answer.status
      } catch {
        return undefined // It died: Stripe would try again.
      }
    },
    kill: () => {
      child.kill('SIGKILL')
      return exited(child)
    },
    gone: () => exited(child),
  }
}

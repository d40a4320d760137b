import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger, ProblemError } from 'autodocops'

import type { Admission, Admitted } from './admission.ts'
import { ChatErrors } from './errors.ts'
import type { NamedModel } from './gateway.ts'
import { leaseMs as slotMs } from './admission.ts'
import type { Closing, Ledger } from './ledger.ts'
import { exceeded } from './quota.ts'
import type { PlanLimits, Quota, QuotaServices } from './quota.ts'

/** How long the end of an answer waits for its row; after that it is written in the background. */
const closeWaitMs = 2_000
/** More would only wait for the database's connections, and in vain when hundreds of answers end at once. */
const writesAtOnce = 8
const retryMs = [1_000, 2_000, 5_000, 10_000, 30_000] as const

export interface Ask {
  readonly id: string
  readonly owner: string
  readonly model: NamedModel
  readonly inputTokens: number
  readonly maxOutputTokens: number
}

/** An answer that is paid for: its slot, its tokens, its row. */
export interface Account {
  readonly id: string
  readonly owner: string
  readonly headers: Readonly<Record<string, string>>
  readonly close: (closing: Omit<Closing, 'id'>) => Promise<void>
}

interface Services extends Pick<QuotaServices, 'config' | 'ledger' | 'log'> {
  readonly admission: Admission
  readonly quota: Quota
  readonly lifecycle: AbortSignal
}

/** Lets an answer in and books it out: slot and minute, month, ledger, in this order; back in reverse. */
export class Accounts {
  readonly #services: Services
  readonly #ledger: Ledger
  readonly #log: Logger
  readonly #writing = new Set<Promise<void>>()
  readonly #waiting: (() => void)[] = []
  #free = writesAtOnce

  constructor(services: Services) {
    this.#services = services
    this.#ledger = services.ledger
    this.#log = services.log
  }

  /** Throws 403 and 429. Nothing is held when it throws. */
  async open(ask: Ask): Promise<Account> {
    const { quota, admission } = this.#services
    const plan = await quota.plan(ask.owner)
    if (ask.model.plans !== undefined && !ask.model.plans.includes(plan))
      throw ChatErrors.model_not_in_plan({ model: ask.model.name, plan })
    const limits = quota.limitsOf(plan)
    const tokens = ask.inputTokens + ask.maxOutputTokens
    const lease = { owner: ask.owner, id: ask.id, tokens }
    const admitted = await admission.take(lease, limits)
    if (!admitted.ok) throw refusal(admitted, limits)
    try {
      const settle = await this.#reserve(ask, tokens, limits)
      const close = this.#closer(ask.id, (actual) => [
        settle(actual),
        admission.settle(lease, actual),
      ])
      return { id: ask.id, owner: ask.owner, headers: rateHeaders(admitted, limits), close }
    } catch (error) {
      await admission.settle(lease, 0)
      throw error
    }
  }

  /** Keeps the slots and rows of what is running; closes what other instances lost, and returns its ids. */
  async renew(
    running: readonly {
      readonly id: string
      readonly owner: string
      readonly outputTokens: number
    }[],
  ): Promise<readonly string[]> {
    const leases = running.map(({ id, owner }) => ({ id, owner, tokens: 0 }))
    await this.#services.admission.renew(leases)
    await this.#ledger.checkpoint(running)
    const lost = await this.#ledger.reap()
    if (lost.length > 0)
      this.#log.warn({ lost: lost.length }, 'answers of an instance that is gone were closed')
    return lost
  }

  /** An answer of the owner, on any instance, whose row is open. */
  async isRunning(id: string, owner: string): Promise<boolean> {
    const row = await this.#ledger.row(id)
    return row?.owner === owner && row.outcome === null
  }

  /** Until every row that can be written is. */
  async flush(): Promise<void> {
    await Promise.all(this.#writing)
  }

  async #reserve(ask: Ask, tokens: number, limits: PlanLimits) {
    const { quota, config } = this.#services
    const { owner, id, inputTokens } = ask
    const hold = await quota.reserve(owner, id, tokens, limits, config.timeouts.total + slotMs)
    const opening = { id, owner, inputTokens, reserved: tokens, model: ask.model.name }
    const limit = hold.ledgerLimit
    try {
      if (await this.#ledger.open({ ...opening, limit })) return hold.settle
    } catch (error) {
      await hold.settle(0)
      throw error
    }
    const { used, reserved, resetMs } = await this.#ledger.balance(owner)
    throw exceeded((limit ?? 0) - used - reserved, resetMs)
  }

  #closer(id: string, settle: (actual: number) => readonly Promise<void>[]): Account['close'] {
    return async (closing) => {
      const { inputTokens, outputTokens } = closing.usage
      const written = this.#write({ id, ...closing })
      const tracked = Promise.all([
        written,
        ...settle(inputTokens + outputTokens).map((one) =>
          one.catch((error: unknown) => this.#log.error({ err: error, id }, 'not settled')),
        ),
      ]).then(() => void this.#writing.delete(tracked))
      this.#writing.add(tracked)
      await inTime(tracked, closeWaitMs)
    }
  }

  /** Never rejects. What cannot be written in time is closed by its lease. */
  async #write(closing: Closing): Promise<void> {
    for (const pauseMs of [...retryMs, 0]) {
      try {
        return await this.#inTurn(() => this.#ledger.close(closing))
      } catch (error) {
        this.#log.error({ err: error, id: closing.id }, 'the ledger did not take a row')
        if (pauseMs === 0 || this.#services.lifecycle.aborted) return
        await sleep(pauseMs, undefined, { ref: false })
      }
    }
  }

  async #inTurn(write: () => Promise<void>): Promise<void> {
    while (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#free -= 1
    try {
      await write()
    } finally {
      this.#free += 1
      this.#waiting.shift()?.()
    }
  }
}

/** Resolves with `work`, or after `ms` without it. */
const inTime = (work: Promise<void>, ms: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    void work.then(resolve, reject).finally(() => clearTimeout(timer))
  })

function refusal(denied: Extract<Admitted, { ok: false }>, limits: PlanLimits): ProblemError {
  const ms = Math.max(1, Math.ceil(denied.retryAfterMs))
  const headers = { 'Retry-After': String(Math.ceil(ms / 1_000)), 'retry-after-ms': String(ms) }
  if (denied.limit === 'concurrent')
    return ChatErrors.concurrency_limit({ limit: limits.concurrent }, { headers })
  if (denied.limit === 'requests')
    return ChatErrors.request_rate_limit({ limit: limits.requestsPerMinute }, { headers })
  return ChatErrors.token_rate_limit({ limit: limits.tokensPerMinute }, { headers })
}

/** As OpenAI names them; its clients read them. */
const rateHeaders = (admitted: Extract<Admitted, { ok: true }>, limits: PlanLimits) => ({
  'x-ratelimit-limit-requests': String(limits.requestsPerMinute),
  'x-ratelimit-remaining-requests': String(admitted.remainingRequests),
  'x-ratelimit-reset-requests': `${Math.ceil(admitted.resetMs)}ms`,
  'x-ratelimit-limit-tokens': String(limits.tokensPerMinute),
  'x-ratelimit-remaining-tokens': String(admitted.remainingTokens),
  'x-ratelimit-reset-tokens': `${Math.ceil(admitted.resetMs)}ms`,
})

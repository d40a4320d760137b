import type { Clock, Logger } from 'autodocops'
import { isProblem } from 'autodocops'
import type { BillingService } from 'autodocops/plugins/billing'

import type { RateLimits } from './admission.ts'
import type { ChatConfig } from './config.ts'
import { ChatErrors } from './errors.ts'
import type { Ledger } from './ledger.ts'

export const meter = 'chat.tokens'
const freePlan = 'free'

export interface PlanLimits extends RateLimits {
  readonly tokensPerMonth: number
}

export interface Usage {
  readonly plan: string
  readonly used: number
  readonly reserved: number
  readonly limit: number | null
  readonly resetAt: string | null
}

/** The month's tokens of one answer, held until it is known what it cost. */
export interface Hold {
  /** Of the ledger: `null` when billing counts. */
  readonly ledgerLimit: number | null
  readonly settle: (actual: number) => Promise<void>
}

export interface QuotaServices {
  readonly config: ChatConfig
  readonly billing: BillingService | undefined
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Logger
}

/** Plans and monthly tokens: billing's when it is there and answers, else this plugin's own. */
export class Quota {
  readonly #services: QuotaServices

  constructor(services: QuotaServices) {
    this.#services = services
  }

  async plan(owner: string): Promise<string> {
    const state = await this.#ask((billing) => billing.plan(owner))
    return state?.plan ?? freePlan
  }

  limitsOf(plan: string): PlanLimits {
    const { plans, ...general } = this.#services.config.limits
    return { ...general, ...withoutUndefined(plans[plan] ?? {}) }
  }

  /** Throws 429 `chat_quota_exceeded`. */
  async reserve(
    owner: string,
    id: string,
    tokens: number,
    limits: PlanLimits,
    ttlMs: number,
  ): Promise<Hold> {
    const options = { key: id, ttlMs }
    const held = await this.#ask((billing) => billing.reserve(owner, meter, tokens, options))
    if (held === undefined) return { ledgerLimit: limits.tokensPerMonth, settle: async () => {} }
    if (!held.ok) throw exceeded(held.remaining, this.#untilMs(held.resetAt))
    const settle = async (actual: number) => {
      await this.#ask((billing) => billing.commit(held.id, actual))
    }
    return { ledgerLimit: null, settle }
  }

  async usage(owner: string): Promise<Usage> {
    const plan = await this.plan(owner)
    const counted = await this.#ask((billing) => billing.usage(owner, meter))
    if (counted !== undefined) return { plan, ...counted }
    const { used, reserved, resetAt } = await this.#services.ledger.balance(owner)
    return { plan, used, reserved, resetAt, limit: this.limitsOf(plan).tokensPerMonth }
  }

  /** Billing tells a time alone. */
  #untilMs(time: string | null): number | undefined {
    return time === null ? undefined : Date.parse(time) - this.#services.clock.now()
  }

  /** Its refusals (402, 403, 429) stand; when it does not answer we go on without it. */
  async #ask<T>(question: (billing: BillingService) => Promise<T>): Promise<T | undefined> {
    const { billing, log } = this.#services
    if (billing === undefined) return undefined
    try {
      return await question(billing)
    } catch (error) {
      if (isProblem(error) && error.status < 500) throw error
      log.warn({ err: error }, 'billing does not answer: chat counts by its own limits')
      return undefined
    }
  }
}

/** Asking again does not help: clients of OpenAI's kind obey `x-should-retry`. */
export function exceeded(remaining: number, resetMs: number | undefined): Error {
  const seconds = resetMs !== undefined && String(Math.max(1, Math.ceil(resetMs / 1_000)))
  const headers = { 'x-should-retry': 'false', ...(seconds && { 'Retry-After': seconds }) }
  return ChatErrors.chat_quota_exceeded({ remaining: Math.max(0, remaining) }, { headers })
}

const withoutUndefined = <T extends object>(value: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }

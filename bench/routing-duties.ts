/** What every contender must do for a request, so that only the way to it differs. */
import { randomUUID } from 'node:crypto'

import * as z from 'zod'

import { createLog } from '../core/log.ts'
import type { Principal } from '../core/principal.ts'
import type { LimitDecision } from '../core/slots.ts'

export const params = z.strictObject({ id: z.coerce.number().int().positive() })
export const timeoutMs = 5_000

export const securityHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** A finished line is made and scrubbed; where it goes is not measured. */
export const quietLog = () =>
  createLog({ level: 'info', pretty: false, stream: { write: () => true } })

export const authenticate = (authorization: string | undefined): Principal | undefined =>
  authorization === 'Bearer bench' ? { subject: 'bench', scopes: [], via: 'bench' } : undefined

export class Budget {
  #left = 1_000_000_000

  take(): LimitDecision {
    this.#left--
    const [limit, windowMs] = [1_000_000_000, 60_000]
    return { allowed: this.#left > 0, limit, remaining: this.#left, resetMs: 30_000, windowMs }
  }
}

export const answer = (id: number, principal: Principal | undefined) => ({
  id,
  title: 'A project',
  owner: principal?.subject ?? null,
  createdAt: '2026-01-01T00:00:00.000Z',
})

export const requestId = (incoming: string | readonly string[] | undefined): string =>
  typeof incoming === 'string' && /^[A-Za-z0-9_-]{8,128}$/.test(incoming) ? incoming : randomUUID()

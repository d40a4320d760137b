import { duration } from 'autodocops'
import type { Command } from 'autodocops'
import * as z from 'zod'

import type { AuthService } from './contract.ts'

const Args = z.object({
  sub: z.string(),
  scope: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]),
  ttl: duration().optional(),
})

/** Prints the token and nothing else, so that `$(autodocops token --sub me)` works. */
export const token: Command<{ readonly auth: AuthService }> = {
  summary: 'Print a token of this server',
  options: {
    sub: { type: 'string', description: 'Who it is for', required: true },
    scope: { type: 'string', description: 'What it may do; several times', multiple: true },
    ttl: { type: 'string', description: 'How long it lives: 15m, 1h, 24h' },
  },
  examples: ['autodocops token --sub alice', 'autodocops token --sub alice --scope a --ttl 15m'],
  run: async ({ auth }, args, io) => {
    const parsed = Args.safeParse(args)
    if (!parsed.success) {
      io.err(z.prettifyError(parsed.error))
      return 2
    }
    const { sub: subject, scope: scopes, ttl: ttlMs } = parsed.data
    const made = await auth.issue({ subject, scopes, ...(ttlMs === undefined ? {} : { ttlMs }) })
    io.out(io.json ? JSON.stringify({ token: made }) : made)
    return 0
  },
}

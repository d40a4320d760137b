import type { Secret, ServerFacts } from 'autodocops'

import type { Config } from './config.ts'

/**
 * `stripe`: a key and a webhook secret. `payload`: a webhook secret only; nothing is sold or asked.
 * `fake`: neither, outside of production. `off`: neither, in production, where a fake would give plans away.
 */
export type Mode = 'stripe' | 'payload' | 'fake' | 'off'

export function modeOf(
  config: Pick<Config, 'apiKey' | 'webhookSecret' | 'fake'>,
  server: Pick<ServerFacts, 'production'>,
): Mode {
  if (isReal(config.apiKey)) return 'stripe'
  if (isReal(config.webhookSecret)) return 'payload'
  return (config.fake ?? !server.production) ? 'fake' : 'off'
}

/** The seed's own samples (`sk_test_your_…`) count as absent: they are never sent anywhere. */
const isReal = (secret: Secret | undefined) =>
  secret !== undefined && !/your_|_here$/.test(secret.reveal())

/** Two during a rotation: `whsec_new,whsec_old`. */
export const secretsIn = (config: Pick<Config, 'webhookSecret'>): readonly string[] =>
  (config.webhookSecret?.reveal() ?? '').split(/[\s,]+/).filter((secret) => secret !== '')

/** Whose events are ours: `undefined` takes both. */
export function livemodeOf(
  config: Pick<Config, 'apiKey' | 'livemode'>,
  mode: Mode,
): boolean | undefined {
  if (config.livemode !== undefined) return config.livemode
  if (mode === 'fake') return false
  const key = config.apiKey?.reveal()
  if (key === undefined) return undefined
  return /^[sr]k_live_/.test(key)
}

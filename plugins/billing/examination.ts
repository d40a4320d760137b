import { isProblem } from 'autodocops'
import type { Examination, Finding, ServerFacts } from 'autodocops'

import type { Config } from './config.ts'
import type { Doctor, Finding as Found } from './doctor.ts'
import type { Gateway } from './gateway.ts'
import { record } from './json.ts'
import { livemodeOf } from './mode.ts'
import type { Mode } from './mode.ts'

interface Needs {
  readonly doctor: Doctor
  readonly workerGateway: Gateway
  readonly mode: Mode
  readonly config: Config
  readonly server: Pick<ServerFacts, 'production'>
}

/** Postgres' `undefined_table`. */
const noSuchTable = '42P01'

const verdicts = { pass: 'ok', warn: 'warning', fail: 'failed' } as const

/** What `billing doctor` finds, for `autodocops doctor`: Stripe is asked with `--online` only. */
export async function examine(needs: Needs, examination: Examination): Promise<readonly Finding[]> {
  const { doctor } = needs
  const told = [...doctor.setUp().map(findingOf), ...keyModeOf(needs)]
  const asked = [inboxOf(doctor), stripeOf(needs, examination)]
  return [...told, ...(await Promise.all(asked)).flat()]
}

async function stripeOf(
  { doctor, workerGateway, mode }: Needs,
  { online, signal }: Examination,
): Promise<readonly Finding[]> {
  if (mode !== 'stripe') return []
  if (online) return (await doctor.atStripe(workerGateway.until(signal))).map(findingOf)
  return [{ check: 'billing: Stripe', verdict: 'skipped', saw: 'asked with --online only' }]
}

/** A database that does not answer says for itself why; what stands on it says that it does. */
async function inboxOf(doctor: Doctor): Promise<readonly Finding[]> {
  const check = 'billing: inbox'
  try {
    return (await doctor.backlog()).map(findingOf)
  } catch (error) {
    if (isProblem(error)) {
      const saw = 'cannot be read without the database'
      return [{ check, verdict: 'skipped', saw }]
    }
    const { code, message } = record(error)
    // knex puts the whole statement in front.
    const why = String(message).split(' - ').at(-1)
    if (code === noSuchTable) {
      return [{ check, verdict: 'skipped', saw: 'not there yet: the first start makes it' }]
    }
    const fix = 'let the user of DATABASE_URL read and write the tables billing_*'
    return [{ check, verdict: 'failed', saw: `cannot be read: ${why}`, fix }]
  }
}

function keyModeOf({ mode, config, server }: Needs): readonly Finding[] {
  if (mode !== 'stripe') return []
  const check = 'billing: mode of the key'
  const live = /^[sr]k_live_/.test(config.apiKey?.reveal() ?? '')
  const saw = `a ${live ? 'live' : 'test'} key ${server.production ? 'in' : 'outside of'} production`
  if (livemodeOf(config, mode) !== live) {
    const fix = `set STRIPE_API_KEY to a key of the other mode, or mend plugins.billing.config.livemode`
    return [{ check, verdict: 'failed', saw: `${saw}, but livemode says otherwise`, fix }]
  }
  if (live === server.production) return [{ check, verdict: 'ok', saw }]
  const wanted = server.production ? 'sk_live_…' : 'sk_test_…'
  return [{ check, verdict: 'warning', saw, fix: `set STRIPE_API_KEY to ${wanted}` }]
}

function findingOf({ check, status, detail }: Found): Finding {
  const seen = { check: `billing: ${check}`, saw: detail }
  const verdict = verdicts[status]
  return verdict === 'ok' ? { ...seen, verdict } : { ...seen, verdict, fix: adviceOn(check) }
}

function adviceOn(check: string): string {
  const advice: Readonly<Record<string, string>> = {
    mode: 'set STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET; without Stripe: autodocops plugins disable billing',
    'webhook secret':
      'set STRIPE_WEBHOOK_SECRET to the signing secret of the endpoint (whsec_…), from the dashboard or `stripe listen --print-secret`',
    inbox: 'autodocops billing events list --dead, then autodocops billing events replay --dead',
    Stripe: 'let this machine reach api.stripe.com; status.stripe.com tells how Stripe is',
    'API key': 'set STRIPE_API_KEY to a key of this account and mode',
    clock: 'let NTP set the clock of this machine (timedatectl set-ntp true)',
    endpoint: 'mend the endpoint in the dashboard of Stripe: docs/guides/billing.md',
  }
  return (
    advice[check] ?? 'mend plugins.billing.config.plans, or the price in the dashboard of Stripe'
  )
}

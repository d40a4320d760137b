import { isProblem } from 'autodocops'
import type { Clock, ServerFacts } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Config } from './config.ts'
import { isMissing } from './errors.ts'
import { backlogOf } from './event-log.ts'
import { familyOf } from './event-shape.ts'
import type { Gateway } from './gateway.ts'
import { record, text } from './json.ts'
import type { Json } from './json.ts'
import { livemodeOf, secretsIn } from './mode.ts'
import type { Mode } from './mode.ts'
import type { Catalogue } from './plans.ts'

export interface Finding {
  readonly check: string
  readonly status: 'pass' | 'warn' | 'fail'
  readonly detail: string
}

interface Needs {
  readonly database: DatabaseService
  readonly workerGateway: Gateway
  readonly catalogue: Catalogue
  readonly mode: Mode
  readonly config: Config
  readonly server: Pick<ServerFacts, 'production' | 'publicUrl'>
  readonly clock: Clock
}

const finding = (check: string, status: Finding['status'], detail: string): Finding => ({
  check,
  status,
  detail,
})

const needed = [
  'checkout.session.completed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'invoice.paid',
]

/** What is wrong with the way billing is set up, in words. Asks Stripe; changes nothing. */
export class Doctor {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  async examine(): Promise<readonly Finding[]> {
    const { workerGateway } = this.#needs
    const local = [...this.setUp(), ...(await this.backlog())]
    return workerGateway.canRead ? [...local, ...(await this.atStripe(workerGateway))] : local
  }

  /** What the config alone tells. */
  setUp(): readonly Finding[] {
    const { mode } = this.#needs
    return mode === 'off' ? [this.#mode()] : [this.#mode(), this.#secret()]
  }

  /** What Stripe tells; all is asked at once. What it does not tell is a finding too. */
  async atStripe(gateway: Gateway): Promise<readonly Finding[]> {
    const plans = this.#needs.catalogue.plans.filter(({ id }) => id !== 'free')
    const prices = plans.flatMap(({ id, prices: all }) => all.map((price) => ({ id, price })))
    const asked = [
      this.#key(gateway),
      ...prices.map(({ id, price }) => priceOf(gateway, id, price)),
      this.#endpoint(gateway),
    ]
    const told = (await Promise.all(asked)).flat()
    const unsaleable = plans.filter(({ id }) => !this.#needs.catalogue.forSale(id))
    return [...new Set(told), ...unsaleable.map(({ id }) => withoutPrice(id))]
  }

  #mode(): Finding {
    const { mode, server } = this.#needs
    if (mode === 'stripe') return finding('mode', 'pass', 'Stripe, with a key and a webhook secret')
    if (mode === 'payload') {
      return finding(
        'mode',
        'warn',
        'no STRIPE_API_KEY: webhooks are believed, nothing can be sold',
      )
    }
    if (mode === 'off')
      return finding('mode', 'warn', 'off: no key for Stripe, nothing can be sold')
    return finding(
      'mode',
      server.production ? 'fail' : 'pass',
      'FakeStripe: no real money anywhere',
    )
  }

  #secret(): Finding {
    const { mode, config } = this.#needs
    const secrets = secretsIn(config)
    if (mode === 'fake') return finding('webhook secret', 'pass', 'that of FakeStripe')
    if (secrets.length === 0)
      return finding('webhook secret', 'fail', 'STRIPE_WEBHOOK_SECRET is missing')
    const odd = secrets.filter((secret) => !secret.startsWith('whsec_')).length
    if (odd > 0)
      return finding(
        'webhook secret',
        'fail',
        `${odd} of ${secrets.length} do not start with whsec_`,
      )
    return finding(
      'webhook secret',
      'pass',
      secrets.length === 1 ? 'one' : `${secrets.length}, any may sign`,
    )
  }

  async backlog(): Promise<readonly Finding[]> {
    const { pending, dead } = await backlogOf(this.#needs.database.knex)
    const detail = `${pending} waiting, ${dead} dead`
    return [finding('inbox', dead > 0 ? 'fail' : 'pass', detail)]
  }

  async #key(gateway: Gateway): Promise<readonly Finding[]> {
    const { clock, config, mode, server } = this.#needs
    try {
      const { livemode, date } = await gateway.probe()
      const said = `Stripe takes it, ${livemode ? 'live' : 'test'} mode`
      const isOdd = mode === 'stripe' && livemode !== server.production
      const isOther = livemode !== livemodeOf(config, mode)
      return [
        finding(
          'API key',
          isOther ? 'fail' : isOdd ? 'warn' : 'pass',
          isOther ? `${said}, but livemode says otherwise` : said,
        ),
        clockFinding(date, clock.now()),
      ]
    } catch (error) {
      return [isSilent(error) ? noAnswer : finding('API key', 'fail', reasonOf(error))]
    }
  }

  async #endpoint(gateway: Gateway): Promise<readonly Finding[]> {
    if (this.#needs.mode === 'fake') return []
    try {
      const all = await gateway.endpoints()
      const ours = all.filter((one) => String(one['url']).includes('/billing/stripe-webhook'))
      const [endpoint] = ours
      if (!endpoint) {
        return [
          finding(
            'endpoint',
            'warn',
            'none leads to /billing/stripe-webhook (`stripe listen` needs none)',
          ),
        ]
      }
      return [endpointFinding(endpoint)]
    } catch (error) {
      return [isSilent(error) ? noAnswer : finding('endpoint', 'warn', reasonOf(error))]
    }
  }
}

async function priceOf(gateway: Gateway, plan: string, id: string): Promise<Finding> {
  const check = `plan ${plan}`
  try {
    const price = await gateway.price(id)
    if (price['active'] === false) return finding(check, 'fail', `${id} is archived`)
    if (price['type'] === 'recurring') return finding(check, 'pass', id)
    return finding(check, 'fail', `${id} is no subscription price`)
  } catch (error) {
    if (isSilent(error)) return noAnswer
    const hint = isMissing(error) ? ': wrong mode, or another account' : ''
    return finding(check, 'fail', `${id}: ${reasonOf(error)}${hint}`)
  }
}

/** Told once, whatever was asked. */
const noAnswer = finding('Stripe', 'fail', 'it does not answer')

const isSilent = (error: unknown) => isProblem(error) && error.code === 'stripe_unavailable'

const withoutPrice = (plan: string) =>
  finding(`plan ${plan}`, 'warn', 'it has no price: it cannot be bought')

/** Webhooks are refused from five minutes on. */
function clockFinding(date: Date | null, now: number): Finding {
  if (date === null) return finding('clock', 'warn', 'Stripe did not say what time it is')
  const skew = Math.round((now - date.getTime()) / 1_000)
  const detail = `${Math.abs(skew)} s ${skew < 0 ? 'behind' : 'ahead of'} Stripe`
  return finding(
    'clock',
    Math.abs(skew) > 60 ? 'fail' : Math.abs(skew) > 5 ? 'warn' : 'pass',
    detail,
  )
}

function endpointFinding(endpoint: Json): Finding {
  const enabled = Array.isArray(endpoint['enabled_events']) ? endpoint['enabled_events'] : []
  const missing = enabled.includes('*') ? [] : needed.filter((type) => !enabled.includes(type))
  const unused = enabled.filter((type) => type !== '*' && !familyOf(String(type))).length
  const url = text(record(endpoint)['url']) ?? ''
  if (endpoint['status'] === 'disabled')
    return finding('endpoint', 'fail', `${url} is disabled in Stripe`)
  if (missing.length > 0)
    return finding('endpoint', 'fail', `${url} is not sent ${missing.join(', ')}`)
  return finding('endpoint', 'pass', unused > 0 ? `${url}, ${unused} types are of no use` : url)
}

const reasonOf = (error: unknown) =>
  isProblem(error) ? (error.detail ?? error.title) : 'it could not be asked'

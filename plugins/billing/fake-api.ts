import Router from '@koa/router'

import type { FakeBilling } from './fake-billing.ts'
import { FakeRefusal } from './fake-refusal.ts'
import { decodeForm } from './fake-form.ts'
import { listObject, thinTwin } from './fake-event.ts'
import type { FakeObject, FakeState } from './fake-state.ts'
import { list, record, text } from './json.ts'
import type { Json } from './json.ts'

type Act = (params: Json, id: string) => unknown

/** The parts of Stripe's API that a subscription business asks. */
export function fakeApi(state: FakeState, billing: FakeBilling): Router {
  const router = new Router({ prefix: '/v1' })
  const post = (path: string, act: Act) =>
    router.post(path, async (ctx) => {
      const body = await bodyOf(ctx.req)
      const key = ctx.get('idempotency-key')
      ctx.body = once(state, key && `${key}`, `${ctx.path}?${body}`, () =>
        act(decodeForm(body), String(ctx.params['id'] ?? '')),
      )
    })
  const get = (path: string, object: string) =>
    router.get(`${path}/:id`, (ctx) => {
      ctx.body = billing.get(String(ctx.params['id']), object)
    })
  const index = (path: string, object: string, keeps: (one: FakeObject, query: Json) => boolean) =>
    router.get(path, (ctx) => {
      const query = decodeForm(ctx.querystring)
      const all = state.all(object).filter((one) => keeps(one, query))
      ctx.body = page(`/v1${path}`, all, query)
    })

  post('/customers', (params) => billing.createCustomer(params))
  post('/customers/:id', (params, id) => billing.updateCustomer(id, params))
  post('/products', (params) => billing.createProduct(params))
  post('/prices', (params) => billing.createPrice(params))
  post('/checkout/sessions', (params) => billing.createSession(params))
  post('/checkout/sessions/:id/expire', (_, id) => billing.expireSession(id))
  post('/subscriptions', (params) => billing.createSubscription(params))
  post('/subscriptions/:id', (params, id) => billing.updateSubscription(id, params))
  post('/billing_portal/sessions', (params) => billing.createPortal(params))
  router.delete('/customers/:id', (ctx) => {
    ctx.body = billing.deleteCustomer(String(ctx.params['id']))
  })
  router.delete('/subscriptions/:id', (ctx) => {
    ctx.body = billing.cancelSubscription(String(ctx.params['id']))
  })

  get('/customers', 'customer')
  get('/products', 'product')
  get('/prices', 'price')
  get('/checkout/sessions', 'checkout.session')
  get('/subscriptions', 'subscription')
  get('/invoices', 'invoice')
  get('/events', 'event')

  index('/customers', 'customer', () => true)
  index('/products', 'product', () => true)
  index('/prices', 'price', (price, { lookup_keys: keys }) => {
    const wanted = Array.isArray(keys) ? keys : []
    return wanted.length === 0 || wanted.includes(price['lookup_key'])
  })
  index('/subscriptions', 'subscription', sameCustomer)
  index('/invoices', 'invoice', sameCustomer)
  index('/events', 'event', (event, query) => {
    const since = Number(record(query['created'])['gte'] ?? 0)
    const types = Array.isArray(query['types']) ? query['types'] : []
    return (
      Number(event['created']) >= since && (types.length === 0 || types.includes(event['type']))
    )
  })
  index('/webhook_endpoints', 'webhook_endpoint', () => true)
  router.get('/entitlements/active_entitlements', (ctx) => {
    const held = record(state.find(`${text(ctx.query['customer']) ?? ''}:features`))
    ctx.body = page(ctx.path, list(held) as FakeObject[], decodeForm(ctx.querystring))
  })
  router.get('/balance', (ctx) => {
    ctx.body = {
      object: 'balance',
      available: [],
      connect_reserved: [],
      livemode: false,
      pending: [],
    }
  })
  return router
}

/** Events of the second API are the thin ones. */
export function fakeApi2(state: FakeState): Router {
  const router = new Router({ prefix: '/v2' })
  return router.get('/core/events/:id', (ctx) => {
    const id = String(ctx.params['id']).replace(/_thin$/, '')
    const event = state.find(id, 'event')
    if (!event) throw new FakeRefusal(404, 'resource_missing', `No such event: '${id}'`)
    ctx.body = thinTwin(event)
  })
}

const sameCustomer = (one: FakeObject, { customer }: Json) =>
  customer === undefined || one['customer'] === customer

function page(url: string, all: readonly FakeObject[], query: Json) {
  const limit = Math.min(100, Number(query['limit'] ?? 10))
  const after = text(query['starting_after'])
  const from = after === null ? 0 : all.findIndex((one) => one.id === after) + 1
  if (after !== null && from === 0)
    throw new FakeRefusal(400, 'resource_missing', `No such object: '${after}'`)
  return listObject(url, all.slice(from, from + limit), from + limit < all.length)
}

/** The same key and words are the same answer; the same key with other words is refused. */
function once(state: FakeState, key: string, asked: string, act: () => unknown): unknown {
  const id = `idempotency:${key}`
  const known = key === '' ? undefined : state.find(id)
  if (known && known['asked'] !== asked) {
    throw new FakeRefusal(400, 'idempotency_key_in_use', 'The key was used with other parameters')
  }
  if (known) return known['answer']
  const answer = act()
  if (key !== '') state.put({ id, object: 'fake.idempotency', asked, answer })
  state.save()
  return answer
}

const maxBody = 65_536

export async function bodyOf(request: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > maxBody) throw new FakeRefusal(400, 'parameter_invalid', 'The body is too large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

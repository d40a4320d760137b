import Router from '@koa/router'

import type { FakeBilling } from './fake-billing.ts'
import { bodyOf } from './fake-api.ts'
import type { FakeObject, FakeState } from './fake-state.ts'
import { list, record, text } from './json.ts'
import { escape, html } from './page.ts'

/** What a person sees and clicks: the payment page, the portal, and a desk from which time is moved. */
export function fakePages(state: FakeState, billing: FakeBilling): Router {
  const router = new Router()
  router.get('/', (ctx) => {
    ctx.body = html('FakeStripe', desk(state))
  })
  router.post('/advance', async (ctx) => {
    const form = new URLSearchParams(await bodyOf(ctx.req))
    billing.advance(Math.min(400, Math.max(0, Number(form.get('days')))) * 86_400)
    state.save()
    ctx.status = 303
    ctx.redirect('/')
  })
  router.get('/c/pay/:id', (ctx) => {
    ctx.body = html('Pay', payment(billing.get(String(ctx.params['id']), 'checkout.session')))
  })
  router.post('/c/pay/:id', (ctx) => {
    const session = billing.completeSession(String(ctx.params['id']))
    state.save()
    ctx.status = 303
    ctx.redirect(returnUrl(session['success_url'], session.id))
  })
  router.get('/p/session/:id', (ctx) => {
    const portal = billing.get(String(ctx.params['id']), 'billing_portal.session')
    ctx.body = html('Your subscription', portalPage(portal, state))
  })
  router.post('/p/session/:id', async (ctx) => {
    const portal = billing.get(String(ctx.params['id']), 'billing_portal.session')
    const form = new URLSearchParams(await bodyOf(ctx.req))
    act(portal, form, state, billing)
    state.save()
    ctx.status = 303
    ctx.redirect(ctx.path)
  })
  return router
}

function act(
  portal: FakeObject,
  form: URLSearchParams,
  state: FakeState,
  billing: FakeBilling,
): void {
  const customer = String(portal['customer'])
  const id = form.get('subscription') ?? ''
  const does = form.get('do')
  if (does === 'decline') state.failing.add(customer)
  if (does === 'accept') state.failing.delete(customer)
  if (state.find(id)?.['customer'] !== customer) return
  if (does === 'cancel') billing.updateSubscription(id, { cancel_at_period_end: 'true' })
  if (does === 'resume') billing.updateSubscription(id, { cancel_at_period_end: 'false' })
  if (does === 'end') billing.cancelSubscription(id)
}

function payment(session: FakeObject): string {
  if (session['status'] !== 'open') {
    return `<p>This checkout is ${escape(text(session['status']))}.</p><p><a href="${escape(returnUrl(session['success_url'], session.id))}">Go back</a></p>`
  }
  const back = returnUrl(session['cancel_url'], session.id)
  return `<p>Nothing here is real: no card is asked for and no money moves.</p>
    <p class="sum">${money(session['amount_total'])} <small>a month</small></p>
    <form method="post"><button>Pay</button></form>
    <p><a href="${escape(back)}">Cancel and go back</a></p>`
}

function portalPage(portal: FakeObject, state: FakeState): string {
  const customer = String(portal['customer'])
  const held = state.all('subscription').filter((one) => one['customer'] === customer)
  const card = state.failing.has(customer) ? 'accept' : 'decline'
  const back = text(portal['return_url'])
  return `${held.map(subscriptionCard).join('') || '<p>No subscription.</p>'}
    <form method="post"><button name="do" value="${card}" class="quiet">Make the card ${card === 'accept' ? 'work again' : 'fail from now on'}</button></form>
    ${back ? `<p><a href="${escape(back)}">Go back</a></p>` : ''}`
}

function subscriptionCard(subscription: FakeObject): string {
  const [item] = list(subscription['items'])
  const isEnding = subscription['cancel_at_period_end'] === true
  const buttons = isEnding
    ? [['resume', 'Keep it']]
    : [
        ['cancel', 'Cancel at the end of the period'],
        ['end', 'End it now'],
      ]
  const until = new Date(Number(item?.['current_period_end']) * 1_000).toISOString().slice(0, 10)
  const form = buttons.map(
    ([value, label]) => `<button name="do" value="${value}">${label}</button>`,
  )
  return `<section><p><b>${money(record(item?.['price'])['unit_amount'])}</b> a month:
    ${escape(text(subscription['status']))}${isEnding ? ', ends' : ', until'} ${until}</p>
    ${subscription['status'] === 'canceled' ? '' : `<form method="post"><input type="hidden" name="subscription" value="${escape(subscription.id)}">${form.join(' ')}</form>`}</section>`
}

function desk(state: FakeState): string {
  const rows = state
    .all('subscription')
    .map(
      (one) =>
        `<tr><td>${escape(one.id)}</td><td>${escape(text(record(one['metadata'])['owner']))}</td><td>${escape(text(one['status']))}</td></tr>`,
    )
  return `<p>It is ${new Date(state.now() * 1_000).toISOString().slice(0, 16).replace('T', ' ')} here.</p>
    <form method="post" action="/advance"><button name="days" value="1">One day later</button>
    <button name="days" value="31">A month later</button></form>
    <table><tr><th>Subscription<th>Owner<th>Status</tr>${rows.join('')}</table>`
}

const returnUrl = (url: unknown, session: string) =>
  (text(url) ?? '/').replace('{CHECKOUT_SESSION_ID}', session)

const money = (cents: unknown) => `$${(Number(cents) / 100).toFixed(2)}`

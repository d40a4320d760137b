import { isReply, reply } from 'autodocops'
import type { AnyRequest, Principal, Route, RouteOf } from 'autodocops'
import * as z from 'zod'

import type { Checkouts } from './checkout.ts'
import type { Config } from './config.ts'
import type { BillingService } from './contract.ts'
import type { Entitlements } from './entitlements.ts'
import { E } from './errors.ts'
import { returnPage } from './return-page.ts'
import type { Catalogue } from './plans.ts'
import {
  CheckoutSchema,
  CheckoutView,
  PlanList,
  PlanStateView,
  UrlView,
  UsageList,
  WebhookAnswer,
  PortalSchema,
} from './schemas.ts'
import type { Webhook } from './webhook.ts'

interface Services {
  readonly webhook: Webhook
  readonly catalogue: Catalogue
  readonly entitlements: Entitlements
  readonly checkouts: Checkouts
  readonly billing: BillingService
}

const tags = ['billing']
const mebibyte = 1_048_576
const stripeErrors = [
  E.billing_not_configured,
  E.stripe_unavailable,
  E.stripe_refused,
  E.stripe_invalid_response,
]

/** Room for the call to Stripe, our own reads around it, and the reply. */
const slow = (config: Config) => 2 * config.routeDeadline + 5_000

export const routes = ({
  route,
  config,
}: {
  route: RouteOf<Services>
  config: Config
}): readonly Route[] => [
  route({
    method: 'POST',
    path: '/billing/stripe-webhook',
    summary: 'Receive events from Stripe',
    description: 'Snapshot and thin events, signed. 200 means that the event is stored durably.',
    tags,
    auth: 'public',
    limit: 'none',
    exempt: true,
    timeoutMs: 15_000,
    body: { raw: true, maxBytes: mebibyte },
    responses: { 200: WebhookAnswer },
    errors: [
      E.signature_missing,
      E.signature_invalid,
      E.timestamp_out_of_tolerance,
      E.event_malformed,
      E.body_missing,
      E.unavailable,
      E.billing_not_configured,
    ],
    examples: [{ summary: 'Without a signature', body: {}, status: 400 }],
    handler: async ({ webhook }, { body, ctx }) => {
      const { 'stripe-signature': signature } = ctx.req.headers
      return { code: await webhook.receive({ body, signature }) }
    },
  }),
  route({
    method: 'GET',
    path: '/billing/plans',
    summary: 'List the plans',
    tags,
    auth: 'public',
    limit: 'default',
    timeoutMs: 5_000,
    responses: { 200: PlanList },
    examples: [{ summary: 'All of them' }],
    handler: ({ catalogue }) => ({
      items: catalogue.plans.map(({ id, features, limits }) => ({
        id,
        features,
        limits,
        isForSale: catalogue.forSale(id) !== undefined,
      })),
      nextCursor: null,
    }),
  }),
  route({
    method: 'GET',
    path: '/billing/subscription',
    summary: 'Show my plan',
    tags,
    auth: 'user',
    limit: 'default',
    timeoutMs: 5_000,
    responses: { 200: PlanStateView },
    examples: [{ summary: 'Mine' }],
    handler: ({ billing }, { principal }) => billing.plan(principal.subject),
  }),
  route({
    method: 'POST',
    path: '/billing/checkout',
    summary: 'Start buying a plan',
    description:
      'Answers with the address where the buyer pays. The same order again is the same checkout.',
    tags,
    auth: 'user',
    limit: 'default',
    timeoutMs: slow(config),
    body: { schema: CheckoutSchema, maxBytes: 8_192 },
    responses: { 201: CheckoutView },
    errors: [E.plan_unknown, E.already_subscribed, E.redirect_not_allowed, ...stripeErrors],
    examples: [{ summary: 'Buy pro', body: { plan: 'pro' }, status: 201 }],
    handler: async ({ checkouts }, { body, principal }) =>
      reply(201, await checkouts.start(principal.subject, body)),
  }),
  route({
    method: 'GET',
    path: '/billing/checkout/:id',
    summary: 'Where a buyer comes back to',
    description:
      'Asks Stripe how it ended, so that nobody waits for a webhook. A page for browsers.',
    tags,
    auth: 'public',
    limit: 'default',
    timeoutMs: slow(config),
    params: z.object({ id: z.string().regex(/^cs_\w{8,200}$/) }),
    responses: { 200: { schema: CheckoutView, contentType: ['application/json', 'text/html'] } },
    errors: [E.checkout_not_found, ...stripeErrors],
    examples: [
      { summary: 'One that is not there', params: { id: 'cs_test_0000000000' }, status: 404 },
    ],
    handler: async ({ checkouts }, request) =>
      forReader(request, await checkouts.finish(request.params.id)),
  }),
  route({
    method: 'POST',
    path: '/billing/portal',
    summary: 'Open the page where a subscription is changed or cancelled',
    tags,
    auth: 'user',
    limit: 'default',
    timeoutMs: slow(config),
    body: { schema: PortalSchema.optional(), maxBytes: 8_192 },
    responses: { 200: UrlView },
    errors: [E.customer_not_found, E.redirect_not_allowed, ...stripeErrors],
    examples: [{ summary: 'Before anything was bought', status: 404 }],
    handler: ({ checkouts }, { body, principal }) =>
      checkouts.portal(principal.subject, body?.returnUrl),
  }),
  route({
    method: 'GET',
    path: '/billing/usage',
    summary: 'Show what I used of my plan’s limits',
    tags,
    auth: 'user',
    limit: 'default',
    timeoutMs: 5_000,
    responses: { 200: UsageList },
    examples: [{ summary: 'Mine' }],
    handler: (services, { principal }) => usageOf(services, principal),
  }),
]

async function usageOf({ billing, entitlements }: Services, { subject }: Principal) {
  const { plan } = await entitlements.of(subject)
  const meters = Object.keys(plan.limits)
  const items = await Promise.all(
    meters.map(async (meter) => ({ meter, ...(await billing.usage(subject, meter)) })),
  )
  return { plan: plan.id, items, nextCursor: null }
}

/** A person gets a page, a program gets JSON. */
function forReader({ ctx }: Pick<AnyRequest, 'ctx'>, view: CheckoutView) {
  const answer = ctx.accepts('json', 'html') === 'html' ? returnPage(view) : view
  return isReply(answer)
    ? answer
    : reply(200, answer, { Vary: 'Accept', 'Cache-Control': 'no-store' })
}

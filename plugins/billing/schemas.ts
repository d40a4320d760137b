import * as z from 'zod'

/** What goes in and out over HTTP. */
const moment = z.iso.datetime().nullable()
const url = z.url({ protocol: /^https?$/ }).max(2_000)

export const WebhookAnswer = z.object({
  code: z
    .enum(['received', 'duplicate', 'ignored', 'ignored_mode'])
    .describe('What became of the event; Stripe reads only the status'),
})

const limit = z.object({
  amount: z.number().nullable().describe('null is unlimited'),
  per: z.enum(['period', 'month', 'day']),
})

export const PlanList = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      features: z.record(z.string(), z.boolean()),
      limits: z.record(z.string(), limit),
      isForSale: z.boolean(),
    }),
  ),
  nextCursor: z.null(),
})

export const PlanStateView = z.object({
  plan: z.string(),
  status: z.enum([
    'none',
    'active',
    'trialing',
    'past_due',
    'unpaid',
    'canceled',
    'incomplete',
    'paused',
  ]),
  active: z.boolean(),
  inGrace: z.boolean().describe('A payment failed, and the plan stays on for some days'),
  periodStart: moment,
  periodEnd: moment,
  trialEnd: moment,
  cancelAt: moment.describe('When it ends, if it was cancelled'),
})

export const CheckoutSchema = z.strictObject({
  plan: z.string().min(1).max(100),
  price: z.string().max(255).optional().describe('One of the plan’s prices; its first when absent'),
  quantity: z.int().min(1).max(10_000).optional(),
  successUrl: url.optional().describe('May hold {CHECKOUT_SESSION_ID}'),
  cancelUrl: url.optional(),
})

export const CheckoutView = z.object({
  id: z.string(),
  plan: z.string(),
  status: z.enum(['open', 'complete', 'expired']),
  url: z.string().nullable().describe('Where the buyer pays'),
  expiresAt: z.iso.datetime(),
})
export type CheckoutView = z.output<typeof CheckoutView>

export const PortalSchema = z.strictObject({ returnUrl: url.optional() })

export const UrlView = z.object({ url: z.string() })

export const UsageList = z.object({
  plan: z.string(),
  items: z.array(
    z.object({
      meter: z.string(),
      used: z.number(),
      reserved: z.number().describe('Promised to work that is under way'),
      limit: z.number().nullable(),
      resetAt: moment,
    }),
  ),
  nextCursor: z.null(),
})

export const EventView = z.object({
  id: z.string(),
  eventId: z.string(),
  type: z.string(),
  form: z.string(),
  status: z.enum(['pending', 'done', 'ignored', 'dead']),
  subject: z.string().nullable(),
  livemode: z.boolean(),
  attempts: z.number(),
  deliveries: z.number(),
  createdAt: moment,
  receivedAt: moment,
  processedAt: moment,
  nextAttemptAt: moment,
  lastError: z.string().nullable(),
})

export const EventList = z.object({ items: z.array(EventView), nextCursor: z.string().nullable() })

export const EventQuery = z.strictObject({
  status: z.enum(['pending', 'done', 'ignored', 'dead']).optional(),
  type: z.string().max(255).optional(),
  subject: z.string().max(255).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
})

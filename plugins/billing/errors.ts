import { isProblem, problems } from 'autodocops'

const seconds = (ms: number) => String(Math.max(1, Math.ceil(ms / 1_000)))

/** Retry-After for replies that say "not now". */
export const retryAfter = (ms: number) => ({ headers: { 'Retry-After': seconds(ms) } })

const signing =
  'Set STRIPE_WEBHOOK_SECRET to the signing secret of this very endpoint (`stripe listen --print-secret` prints that of the CLI).'

export const E = problems({
  signature_missing: {
    status: 400,
    title: 'The Stripe-Signature header is missing',
    hint: 'Only Stripe calls this address; see `stripe listen --forward-to`.',
  },
  signature_invalid: {
    status: 400,
    title: 'The Stripe-Signature header does not fit the body',
    hint: signing,
  },
  timestamp_out_of_tolerance: {
    status: 400,
    title: 'The signature is too old, or from the future',
    hint: 'Set the clock of this machine (NTP); `autodocops billing doctor` measures it.',
  },
  event_malformed: { status: 400, title: 'The body is signed, but it is not an event of Stripe' },
  body_missing: { status: 400, title: 'The body is empty' },
  unavailable: {
    status: 503,
    title: 'The event cannot be stored now',
    hint: 'Stripe sends it again; nothing is lost.',
  },
  billing_not_configured: {
    status: 503,
    title: 'Billing has no key for Stripe',
    hint: 'Set STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET.',
  },
  plan_unknown: {
    status: 422,
    title: 'There is no such plan to buy',
    detail: ({ plan }: { plan: string }) => `'${plan}' is not a plan with a price.`,
    hint: 'GET /billing/plans lists them; a plan is for sale when it has a price or a lookup key.',
  },
  already_subscribed: {
    status: 409,
    title: 'There is a subscription already',
    detail: ({ plan }: { plan: string }) => `It is for the plan '${plan}'.`,
    hint: 'POST /billing/portal opens the page where it is paid, changed or cancelled.',
  },
  redirect_not_allowed: {
    status: 422,
    title: 'That address is not ours',
    detail: ({ url }: { url: string }) =>
      `'${url}' is neither at PUBLIC_URL nor in server.origins.`,
    hint: 'Add its origin to server.origins.',
  },
  checkout_not_found: { status: 404, title: 'There is no such checkout' },
  customer_not_found: {
    status: 404,
    title: 'Nothing was ever bought here',
    hint: 'POST /billing/checkout comes first.',
  },
  event_not_found: { status: 404, title: 'There is no such event' },
  plan_required: {
    status: 402,
    title: 'This needs another plan',
    detail: ({ need }: { need: string }) => `It needs ${need}.`,
    hint: 'POST /billing/checkout with that plan.',
  },
  quota_exceeded: {
    status: 429,
    title: 'The limit of the plan is used up',
    detail: ({ meter, limit }: { meter: string; limit: number }) =>
      `${limit} of '${meter}' is all that the plan gives.`,
    hint: 'Wait for the time in Retry-After, or take a larger plan.',
  },
  stripe_unavailable: {
    status: 503,
    title: 'Stripe does not answer',
    detail: ({ operation }: { operation: string }) => `${operation} did not succeed in time.`,
    hint: 'Try again in a moment.',
  },
  stripe_refused: {
    status: 502,
    title: 'Stripe refuses what we asked',
    detail: ({ operation, code }: { operation: string; code: string }) => `${operation}: ${code}`,
    hint: '`autodocops billing doctor` checks the key, the mode and the prices.',
  },
  stripe_invalid_response: {
    status: 502,
    title: 'What came back is not Stripe’s',
    detail: ({ operation }: { operation: string }) => `${operation} gave something else.`,
    hint: 'Is there a proxy between this server and Stripe?',
  },
  stripe_missing: {
    status: 404,
    title: 'Stripe does not have that object',
    detail: ({ operation }: { operation: string }) => `${operation}: resource_missing`,
  },
})

/** Stripe does not have it (any more). */
export const isMissing = (error: unknown): boolean =>
  isProblem(error) && error.code === 'stripe_missing'

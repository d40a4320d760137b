import { reply } from 'autodocops'
import type { Reply } from 'autodocops'

import { escape, html } from './page.ts'
import type { CheckoutView } from './schemas.ts'

const said = {
  complete: ['Thank you', 'It is paid. Your plan is now'],
  open: ['Not paid yet', 'This checkout is still open for the plan'],
  expired: ['Too late', 'This checkout has expired. Nothing was paid for the plan'],
} as const

/** What a person sees who comes back from paying, in a deployment without pages of its own. */
export function returnPage({ status, plan, url }: CheckoutView): Reply {
  const [title, text] = said[status]
  const onward = url === null ? '' : `<p><a href="${escape(url)}">Go on to the payment</a></p>`
  const body = html(title, `<p>${text} <b>${escape(plan)}</b>.</p>${onward}`)
  return reply(200, body, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    Vary: 'Accept',
  })
}

import type { Finding, ServerFacts } from 'autodocops'

import type { DocsConfig } from './config.ts'

/** Who documents a server in production tells strangers of every route. */
export function examine(server: ServerFacts, { page }: DocsConfig): Finding {
  const check = 'documentation page'
  if (!page) return { check, verdict: 'ok', saw: 'off; /openapi.json is on' }
  if (!server.production) return { check, verdict: 'ok', saw: 'on' }
  const fix = 'unless that is meant: autodocops plugins disable docs'
  return { check, verdict: 'warning', saw: 'on in production: every route is told', fix }
}

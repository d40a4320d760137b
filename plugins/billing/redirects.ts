import type { ServerFacts } from 'autodocops'

import { E } from './errors.ts'

/** A buyer is sent back to us, or to an origin that the manifest names: never to wherever a request says. */
export function allowedUrl(
  url: string,
  server: Pick<ServerFacts, 'publicUrl' | 'origins'>,
): string {
  const origin = originOf(url)
  const ours = [server.publicUrl, ...server.origins].map(originOf)
  if (origin === undefined || !ours.includes(origin)) throw E.redirect_not_allowed({ url })
  return url
}

function originOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin, protocol, username } = new URL(url)
  return /^https?:$/.test(protocol) && username === '' ? origin : undefined
}

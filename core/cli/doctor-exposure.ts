import { isLoopback, type ServerConfig } from '../manifest/server-config.ts'
import type { Plan } from '../plan.ts'
import type { Finding } from '../plugin.ts'

/** What others can reach, and by which name. Most of it matters in production only. */
export const examineExposure = ({ server }: Plan, production: boolean): readonly Finding[] => [
  publicUrl(server, production),
  proxies(server, production),
  operations(server),
]

function publicUrl({ publicUrl: url }: ServerConfig, production: boolean): Finding {
  const check = 'public URL'
  const seen = { check, saw: url ?? 'not set: the address of the listener is used in links' }
  if (!production) return { ...seen, verdict: 'ok' }
  const fix = 'set PUBLIC_URL to the https URL by which clients reach this server'
  if (url === undefined) return { ...seen, verdict: 'warning', fix }
  const { protocol, hostname } = new URL(url)
  const isGood = protocol === 'https:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))
  if (isGood) return { ...seen, verdict: 'ok' }
  return { check, verdict: 'warning', saw: `${url} is not how others reach it safely`, fix }
}

/** The server itself speaks http: with an https URL there is a proxy in front. */
function proxies({ publicUrl: url, trustedProxies }: ServerConfig, production: boolean): Finding {
  const check = 'trusted proxies'
  const saw = `${trustedProxies} trusted`
  const isHidden = production && url?.startsWith('https:') === true && trustedProxies === 0
  if (!isHidden) return { check, verdict: 'ok', saw }
  return {
    check,
    verdict: 'warning',
    saw: `${saw}, yet something in front ends https: all clients share its address and its rate limit`,
    fix: 'write server.trustedProxies: 1 in the manifest, or as many as there are',
  }
}

function operations({ operations: { host, port }, operationsToken }: ServerConfig): Finding {
  const check = 'operations listener'
  const where = `${host}:${port}`
  if (isLoopback(host)) return { check, verdict: 'ok', saw: `${where}, this machine only` }
  if (operationsToken !== undefined) {
    return { check, verdict: 'ok', saw: `${where}, with a token` }
  }
  const fix = 'set OPERATIONS_TOKEN, or OPERATIONS_ADDRESS=127.0.0.1:9464'
  return { check, verdict: 'failed', saw: `${where} without a token`, fix }
}

import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Who is at the other end. Every proxy appends the address that it saw, so with `n` trusted ones the n-th from the
 * right is the last that one of ours wrote; everything before it may be invented.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const direct = plain(request.socket.remoteAddress ?? '')
  if (trustedProxies === 0) return direct
  const forwarded = request.headers['x-forwarded-for']
  if (typeof forwarded !== 'string') return direct
  const seen = forwarded.split(',').slice(-trustedProxies)
  const address = plain((seen[0] ?? '').trim())
  return isIP(address) === 0 ? direct : address
}

/** An IPv4 address on a dual-stack socket is written `::ffff:127.0.0.1`. */
const plain = (address: string): string =>
  address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address

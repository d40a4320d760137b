/** Where a Redis is. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  readonly tls: boolean
}

const schemes = ['redis:', 'rediss:']

/** `redis://user:secret@host:6379/2`, `rediss://…`, or `host:port` without a scheme. Throws on anything else. */
export function parseAddress(text: string): Address {
  const url = new URL(text.includes('://') ? text : `redis://${text}`)
  const db = url.pathname.slice(1)
  if (!schemes.includes(url.protocol) || url.hostname === '' || !/^\d*$/.test(db))
    throw new TypeError('not an address of a Redis')
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    username: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    db: Number(db),
    tls: url.protocol === 'rediss:',
  }
}

export function isAddress(text: string): boolean {
  try {
    return parseAddress(text).host !== ''
  } catch {
    return false
  }
}

export const isHostPort = (text: string): boolean =>
  /^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i.test(text) && isAddress(text)

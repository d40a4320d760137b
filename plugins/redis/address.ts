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

const forms = 'must be redis://, rediss:// or host:port'
const escapes =
  'holds a user or password that must be percent-encoded: @ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25'
const socket =
  'cannot be a Unix socket: have that Redis listen on a port of 127.0.0.1, and give redis://127.0.0.1:6379'
const parameters =
  'takes no parameters: the number of a database is its path, as in redis://localhost:6379/3'

/**
 * `redis://user:secret@host:6379/2`, `rediss://…`, or `host:port` without a scheme. Throws on anything else, and
 * says what is wrong without the text, which may hold a password.
 */
export function parseAddress(text: string): Address {
  if (/^\/|^[a-z+-]*(unix|socket):/i.test(text)) throw new TypeError(socket)
  const { protocol, hostname, port, pathname, search, hash, ...login } = partsOf(text)
  // A password with one of / ? # in it: what stands before it would be dialled.
  if ((pathname + search + hash).includes('@')) throw new TypeError(escapes)
  if (search !== '' || hash !== '') throw new TypeError(parameters)
  const db = pathname.slice(1)
  if (!schemes.includes(protocol) || hostname === '' || !/^\d*$/.test(db))
    throw new TypeError(forms)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    username: login.username || undefined,
    password: login.password || undefined,
    db: Number(db),
    tls: protocol === 'rediss:',
  }
}

function partsOf(text: string) {
  try {
    const url = new URL(text.includes('://') ? text : `redis://${text}`)
    const { protocol, hostname, port, pathname, search, hash } = url
    const [username, password] = [url.username, url.password].map(decodeURIComponent)
    return { protocol, hostname, port, pathname, search, hash, username, password }
  } catch {
    throw new TypeError(text.includes('@') ? escapes : forms)
  }
}

/** What is wrong with it; `undefined` for an address. */
export function faultOf(text: string): string | undefined {
  try {
    return void parseAddress(text)
  } catch (error) {
    return error instanceof TypeError ? error.message : String(error)
  }
}

export const isHostPort = (text: string): boolean =>
  /^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i.test(text) && faultOf(text) === undefined

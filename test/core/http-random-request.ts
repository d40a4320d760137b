import { Buffer } from 'node:buffer'
import { connect } from 'node:net'

/** The same requests for the same seed (mulberry32). */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(max: number): number {
    return Math.floor(this.float() * max)
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[this.below(from.length)] ?? from[0]
  }

  bytes(max: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(max + 1) }, () => this.below(256)))
  }
}

export interface Target {
  readonly method: string
  /** `/api/projects/:id` */
  readonly path: string
}

const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'QUERY',
  'XX',
] as const
const values = [
  '1',
  '0',
  '-1',
  '9999999999999999999',
  '1e309',
  'abc',
  '%00',
  '%2e%2e%2f',
  '%c0%af',
  '%zz',
  '__proto__',
  'constructor',
  "'%20or%201=1--",
  '%F0%9F%92%A9',
  'null',
  '[]',
  '${jndi:x}',
  '*',
  ';',
  'a'.repeat(300),
] as const
const types = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=utf-16',
  'text/plain',
  'multipart/form-data; boundary=a',
  '',
  'application/json\0',
  '/',
] as const
const jsons = [
  '{}',
  '[]',
  'null',
  'true',
  '1e999',
  '""',
  '{"title":null}',
  '{"title":{"$gt":""}}',
  '{"query":["a"]}',
  '{"messages":[{"role":"system","content":{}}]}',
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{}}}',
  '{"a":'.repeat(70) + '1' + '}'.repeat(70),
  '['.repeat(20_000),
  `{"title":"${'x'.repeat(5_000)}"}`,
  '{"title":"\\ud800"}',
  '{"title":"\\u0000"}',
  '{"title":"a","title":"b"}',
  '{"id":-0,"n":0.1e-400}',
] as const
const headers = [
  'X-Request-Id: ../../etc',
  'X-Request-Id: abcdefgh',
  'Authorization: Bearer a.b.c',
  'Authorization: Basic Og==',
  'Authorization:',
  'Cookie: sid=abc; sid.sig=def',
  'Cookie: =; ;;',
  'Accept: text/event-stream',
  'Accept: ;q=,,/',
  'Content-Encoding: gzip',
  'Expect: 100-continue',
  'If-None-Match: *',
  'If-None-Match: W/"',
  'Origin: null',
  'Origin: https://evil.example',
  'Range: bytes=0-',
  'X-Forwarded-For: 1.2.3.4, %, ::1',
  'X-HTTP-Method-Override: DELETE',
  'Last-Event-ID: -1',
  'Idempotency-Key: a',
  'Stripe-Signature: t=1,v1=00',
  '__proto__: a',
  'Connection: upgrade',
  'Transfer-Encoding: chunked',
  'Content-Length: 3',
  'Host: b',
  'X: \x01',
] as const

function targetText(chance: Chance, path: string): string {
  const filled = path.replaceAll(/:[^/]+/g, () => chance.pick(values))
  const mutated = chance.oneIn(12) ? filled + chance.bytes(6).toString('latin1') : filled
  if (!chance.oneIn(3)) return mutated
  const query = Array.from(
    { length: chance.below(chance.oneIn(10) ? 80 : 4) },
    () =>
      `${chance.pick(['limit', 'cursor', '__proto__', 'a[b]', '%', ''])}=${chance.pick(values)}`,
  )
  return `${mutated}?${query.join('&')}`
}

function bodyOf(chance: Chance): Buffer {
  if (chance.oneIn(6)) return chance.bytes(2_000)
  const json = Buffer.from(chance.pick(jsons))
  if (chance.oneIn(6)) json[chance.below(json.length)] = chance.below(256)
  return json
}

/** One request near one of the targets: mostly HTTP, mostly wrong somewhere. */
export function randomRequest(chance: Chance, targets: readonly [Target, ...Target[]]): Buffer {
  if (chance.oneIn(60)) return chance.bytes(400)
  const target = chance.pick(targets)
  const method = chance.oneIn(5) ? chance.pick(methods) : target.method
  const hasBody = chance.oneIn(8) || ['POST', 'PUT', 'PATCH'].includes(method)
  const body = hasBody ? bodyOf(chance) : Buffer.alloc(0)
  const isChunked = hasBody && chance.oneIn(5)
  const head = [
    `${method} ${targetText(chance, target.path)} HTTP/1.${chance.oneIn(20) ? 0 : 1}`,
    ...(chance.oneIn(40) ? [] : ['Host: localhost']),
    ...(hasBody && !chance.oneIn(15) ? [`Content-Type: ${chance.pick(types)}`] : []),
    ...(hasBody && !isChunked
      ? [`Content-Length: ${body.length + (chance.oneIn(30) ? 1 : 0)}`]
      : []),
    ...(isChunked ? ['Transfer-Encoding: chunked'] : []),
    ...Array.from({ length: chance.below(4) }, () => chance.pick(headers)),
  ]
  const chunk = [`${body.length.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'].map((part) =>
    Buffer.from(part),
  )
  const tail = isChunked && body.length > 0 ? Buffer.concat(chunk) : body
  const bytes = Buffer.concat([Buffer.from(head.join('\r\n') + '\r\n\r\n', 'latin1'), tail])
  if (chance.oneIn(25)) bytes[chance.below(bytes.length)] = chance.below(256)
  return bytes
}

/** Nothing more comes: the server waits for the rest of something that is not whole. */
const quietMs = 150
const patienceMs = 30_000

/**
 * The reply, or all that comes back. Our side is ended only when the server waits: a reply that is not ready by then
 * would be lost.
 */
export function ask(port: number, bytes: Buffer): Promise<string> {
  const isHead = bytes.subarray(0, 5).toString('latin1') === 'HEAD '
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const finish = () => {
      clearTimeout(quiet)
      clearTimeout(late)
      socket.destroy()
      resolve(text)
    }
    const quiet = setTimeout(() => socket.end(), quietMs)
    const late = setTimeout(() => {
      text += '\n[no end]'
      finish()
    }, patienceMs)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (isWhole(text, isHead)) finish()
    })
    socket.on('error', finish).on('close', finish)
    socket.write(bytes)
  })
}

function isWhole(text: string, isHead: boolean): boolean {
  const final = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
  const end = final.indexOf('\r\n\r\n')
  if (end === -1) return false
  const head = final.slice(0, end)
  if (isHead || /^HTTP\/1\.1 (?:204|304) /.test(head)) return true
  const length = /^content-length: (\d+)$/im.exec(head)?.[1]
  if (length === undefined) return final.endsWith('\r\n0\r\n\r\n')
  return final.length - end - 4 >= Number(length)
}

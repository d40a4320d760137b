/** People with things of their own on a running server, so that a request can ask for what is there. */
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Placed } from '../../../plugins/docs/openapi.ts'
import type { ServerProcess } from '../../harness/process.ts'
import { exchange } from './exchange.ts'
import type { Received, Sent } from './exchange.ts'
import type { ParamChoice, Person, ReplyCase } from './reply-cases.ts'
import { escaped } from './schema-values.ts'

interface Pool {
  readonly owner: string[]
  readonly other: string[]
}

/** What stands in a path, by the path up to it, and where a reply tells one that is new. */
const stems = [
  '/api/projects/{id}',
  '/auth/keys/{id}',
  '/auth/sessions/{handle}',
  '/billing/checkout/{id}',
  '/chat/conversations/{id}',
  '/chat/streams/{id}',
  '/v1/models/{id}',
] as const
type Stem = (typeof stems)[number]

/** Members of bodies that name something which is there. */
const named: Readonly<Record<string, Stem | readonly string[]>> = {
  conversationId: '/chat/conversations/{id}',
  model: '/v1/models/{id}',
  plan: ['pro'],
}

const stemOf = (path: string): Stem => {
  const stem = stems.find((one) => path.startsWith(one))
  if (stem === undefined) throw new Error(`nothing is made for the parameters of ${path} yet`)
  return stem
}

const whose = (person: Person) => (person === 'other' ? 'other' : 'owner')

export class World {
  readonly #server: ServerProcess
  readonly #tokens: Readonly<Record<'owner' | 'other', string>>
  readonly #pools = new Map<Stem, Pool>(stems.map((stem) => [stem, { owner: [], other: [] }]))
  readonly #etags = new Map<string, string>()
  #credentials: Readonly<Record<Person, Readonly<Record<string, string>>>>

  constructor(server: ServerProcess, tokens: Readonly<Record<'owner' | 'other', string>>) {
    this.#server = server
    this.#tokens = tokens
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    const owner = bearer(tokens.owner)
    this.#credentials = {
      owner,
      'owner by key': owner,
      'owner by cookie': owner,
      other: bearer(tokens.other),
      nobody: {},
    }
  }

  /** Some of everything for both, and the owner's key and cookie. */
  async fill(): Promise<void> {
    for (const person of ['owner', 'other'] as const)
      for (let round = 0; round < 6; round += 1) await this.#fillFor(person, round)
    const key = await this.#make('owner', '/auth/keys', { name: 'of the tests' })
    const { key: secret } = JSON.parse(key.text) as { key: string }
    this.#credentials = {
      ...this.#credentials,
      'owner by key': { authorization: `Bearer ${secret}` },
    }
    const models = await this.#send('owner', 'GET', '/v1/models')
    const { data } = JSON.parse(models.text) as { data: { id: string }[] }
    for (const list of Object.values(this.#pool('/v1/models/{id}')))
      list.push(...data.map(({ id }) => id))
  }

  /** A session of the owner: the one before may have been ended. */
  async logIn(): Promise<void> {
    await this.#make('owner', '/auth/session')
  }

  async #fillFor(person: 'owner' | 'other', round: number): Promise<void> {
    const visibility = round % 2 === 0 ? 'public' : 'private'
    const make = (path: string, body?: object) => this.#make(person, path, body)
    await make('/api/projects', { name: `${person} ${round}`, visibility })
    await make('/auth/keys', { name: `${person} ${round}` })
    await make('/auth/session')
    const { text } = await make('/chat/conversations', { title: `${round}` })
    const { id: conversationId } = JSON.parse(text) as { id: string }
    await make('/chat', { query: 'Hello', conversationId })
    await make('/chat/stream', { query: 'Hello', resumable: true })
    if (round === 0) await make('/billing/checkout', { plan: 'pro' })
  }

  async #make(person: Person, path: string, body?: object): Promise<Received> {
    const received = await this.#send(person, 'POST', path, body)
    if (received.status >= 300) throw new Error(`POST ${path}: ${received.text}`)
    this.learn(person, path, received)
    return received
  }

  #send(person: Person, method: string, path: string, body?: object): Promise<Received> {
    const { headers, body: bytes } = withBody({ ...this.#credentials[person] }, body)
    return exchange(this.#server.url, { method, target: path, headers, body: bytes, leaves: false })
  }

  /** Keeps the ids that a reply tells, and its validator. */
  learn(person: Person, path: string, { status, headers, text }: Received): void {
    if (headers['etag'] !== undefined) this.#etags.set(path, headers['etag'])
    if (status >= 300) return
    const mine = whose(person)
    const stream = headers['x-stream-id']
    if (path === '/chat/stream' && stream !== undefined)
      this.#pool('/chat/streams/{id}')[mine].push(stream)
    const stem = stems.find((one) => one.slice(0, one.indexOf('{') - 1) === path)
    if (path === '/auth/session' && status === 201) {
      const { session } = JSON.parse(text) as { session: { handle: string } }
      this.#pool('/auth/sessions/{handle}')[mine].push(session.handle)
      const [cookie = ''] = String(headers['set-cookie']).split(';')
      if (mine === 'owner')
        this.#credentials = { ...this.#credentials, 'owner by cookie': { cookie } }
    } else if (stem !== undefined && status === 201) {
      const { id } = JSON.parse(text) as { id: string | number }
      this.#pool(stem)[mine].push(String(id))
    }
  }

  #pool(stem: Stem): Pool {
    return this.#pools.get(stem) ?? { owner: [], other: [] }
  }

  /** The case as it goes over the wire. */
  request({ method, path, requestBody }: Placed, one: ReplyCase): Sent {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      this.#param(path, one.params[name]),
    )
    const authorization = one.headers['authorization']?.replace('<tampered>', this.#tampered())
    const mark = one.headers['if-none-match']?.replace('<its own>', this.#etags.get(filled) ?? '*')
    const headers = {
      ...this.#credentials[one.as],
      ...one.headers,
      ...(authorization !== undefined && { authorization }),
      ...(mark !== undefined && { 'if-none-match': mark }),
    }
    const { body, headers: all } = withBody(headers, this.#naming(one), one.bytes)
    const signed = requestBody === undefined || !path.endsWith('webhook') ? {} : this.#signed(body)
    const target = filled + one.query
    return { method, target, headers: { ...signed, ...all }, body, leaves: one.leaves }
  }

  #param(path: string, choice: ParamChoice | undefined): string {
    if (choice === undefined) return ''
    if ('text' in choice) return choice.text
    const ids = this.#pool(stemOf(path))[choice.whose]
    return escaped(ids[choice.nth % ids.length] ?? 'none')
  }

  #naming({ body, names, as }: ReplyCase): unknown {
    if (names === undefined || typeof body !== 'object' || body === null) return body
    const pairs = Object.entries(body).map(([name, value]: [string, unknown]) => {
      const of = Object.hasOwn(named, name) && typeof value === 'string' ? named[name] : undefined
      const there = typeof of === 'string' ? this.#pool(of)[whose(as)] : (of ?? [])
      return [name, there.length === 0 ? value : there[names % there.length]]
    })
    return Array.isArray(body) ? body : Object.fromEntries(pairs)
  }

  #tampered(): string {
    const { owner } = this.#tokens
    const last = owner.endsWith('AAAA') ? 'BBBB' : 'AAAA'
    return owner.slice(0, -4) + last
  }

  /** As FakeStripe signs. */
  #signed(body: Buffer | undefined): Readonly<Record<string, string>> {
    const file = join(this.#server.home, 'data/fake-stripe.json')
    const { secret } = JSON.parse(readFileSync(file, 'utf8')) as { secret: string }
    const at = Math.floor(Date.now() / 1_000)
    const digest = createHmac('sha256', secret)
      .update(`${at}.`)
      .update(body ?? '')
      .digest('hex')
    return { 'stripe-signature': `t=${at},v1=${digest}` }
  }
}

function withBody(headers: Readonly<Record<string, string>>, value: unknown, bytes?: Buffer) {
  const body = bytes ?? (value === undefined ? undefined : Buffer.from(JSON.stringify(value)))
  const length = body === undefined ? {} : { 'content-length': String(body.length) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return { body, headers: { ...type, ...headers, ...length } }
}

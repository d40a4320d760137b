import type { Cluster, Redis } from 'ioredis'

import type { Watchers } from './availability.ts'
import { Availability } from './availability.ts'

interface Wanted extends Watchers {
  readonly client: Redis | Cluster
  /** A key that may be asked for, and what others begin with. */
  readonly anyKey: string
  readonly onUp: () => void
}

interface Server {
  readonly node: Redis | Cluster
  readonly server: Availability
}

const slotCount = 16_384

/**
 * The servers that entries stand on, and whether each answers. In a Cluster one that is lost takes its own keys with
 * it and no others; who takes its slots over is another server, and is asked at once.
 */
export class Servers {
  readonly #to: Wanted
  readonly #known = new Map<string | undefined, Availability>()

  constructor(to: Wanted) {
    this.#to = to
    to.client.on('ready', () => this.#askAll())
  }

  get areUp(): boolean {
    return [...this.#known.values()].every(({ isUp }) => isUp)
  }

  /** Of the server that has this key. */
  of(key: string): Availability {
    const { client } = this.#to
    return this.#named('nodes' in client ? client.slots[slotOf(key)]?.[0] : undefined)
  }

  all(): readonly Server[] {
    const { client } = this.#to
    if (!('nodes' in client)) return [{ node: client, server: this.#named(undefined) }]
    return client.nodes('master').map((node) => {
      return { node, server: this.#named(`${node.options.host}:${node.options.port}`) }
    })
  }

  /** One that answers, as far as is known, for what no key decides. ioredis would take the channel of a PUBLISH for a key. */
  any(): Server {
    const all = this.all()
    const none = { node: this.#to.client, server: this.#named(undefined) }
    return all.find(({ server }) => server.isUp) ?? all[0] ?? none
  }

  stop(): void {
    for (const server of this.#known.values()) server.stop()
  }

  #named(name: string | undefined): Availability {
    const known = this.#known.get(name)
    if (known) return known
    const fresh = new Availability(name, () => this.#probe(name), this.#to.onUp, this.#to)
    this.#known.set(name, fresh)
    return fresh
  }

  /** By a key of its own, so that a redirection is followed. One that has no slots any more is nobody's trouble. */
  async #probe(name: string | undefined): Promise<void> {
    const { client, anyKey } = this.#to
    const key = 'nodes' in client ? keyOf(name, client, anyKey) : anyKey
    if (key !== undefined) await client.exists(key)
  }

  #askAll(): void {
    for (const server of this.#known.values()) if (!server.isUp) void server.ask()
  }
}

/** A key that stands on that server. */
function keyOf(name: string | undefined, { slots }: Cluster, start: string): string | undefined {
  for (let n = 0; n < slotCount; n++) {
    const key = `${start}{${n}}`
    if (slots[slotOf(key)]?.[0] === name) return key
  }
  return undefined
}

/** CRC16 (XMODEM) of what stands between the braces that all our keys have: the Cluster specification's. */
function slotOf(key: string): number {
  let crc = 0
  for (const byte of Buffer.from(key.slice(key.indexOf('{') + 1, key.indexOf('}')))) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80_00 ? (crc << 1) ^ 0x10_21 : crc << 1
  }
  return (crc & 0xff_ff) % slotCount
}

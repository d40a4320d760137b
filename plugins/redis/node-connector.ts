import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { AbstractConnector } from 'ioredis'
import type { RedisOptions } from 'ioredis'

import type { Address } from './address.ts'
import { serverName } from './options.ts'

type Connector = NonNullable<RedisOptions['Connector']>
type Stream = Awaited<ReturnType<InstanceType<Connector>['connect']>>
type Node = Pick<Address, 'host' | 'port'>

/** Hears why a node's socket failed. */
export type Blame = (error: Error, node: string) => void

class NodeConnector extends AbstractConnector {
  readonly #next: () => Node | undefined
  readonly #isTls: boolean
  readonly #blame: Blame

  constructor(next: () => Node | undefined, isTls: boolean, blame: Blame) {
    super(2_000)
    this.#next = next
    this.#isTls = isTls
    this.#blame = blame
  }

  override connect(): Promise<Stream> {
    const { host, port } = this.#next() ?? { host: 'localhost', port: 0 }
    this.connecting = true
    const stream = this.#isTls
      ? connectTls({ host, port, ...serverName(host) })
      : connect({ host, port })
    stream.once('error', (error: Error) => {
      this.firstError = error
      this.#blame(error, `${host}:${port}`)
    })
    this.stream = stream
    return Promise.resolve(stream)
  }

  /** ioredis would wait two seconds for the end of a socket that has ended. */
  override disconnect(): void {
    if (this.stream.destroyed) this.connecting = false
    else super.disconnect()
  }
}

/**
 * Dials one Cluster node after the other, a new one at every reconnect. A subscription needs no slot: what is
 * published on any node is heard on all. ioredis' own Cluster subscriber changes nodes without telling, and so
 * hides that messages were missed.
 */
export function anyNode(nodes: readonly Address[], isTls: boolean): Connector {
  let turn = 0
  return class AnyNode extends NodeConnector {
    constructor() {
      super(
        () => nodes[turn++ % nodes.length],
        isTls,
        () => {},
      )
    }
  }
}

/** Dials the node that a Cluster asks for. Of the connections that learn its slots, ioredis drops the errors. */
export function ownNode(isTls: boolean, blame: Blame): Connector {
  return class OwnNode extends NodeConnector {
    constructor(node: unknown) {
      super(() => node as Node, isTls, blame)
    }
  }
}

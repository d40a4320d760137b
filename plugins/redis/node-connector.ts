import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { AbstractConnector } from 'ioredis'
import type { RedisOptions } from 'ioredis'

import type { Address } from './address.ts'
import { serverName } from './options.ts'

type Connector = NonNullable<RedisOptions['Connector']>
type Stream = Awaited<ReturnType<InstanceType<Connector>['connect']>>

/**
 * Dials one Cluster node after the other, a new one at every reconnect. A subscription needs no slot: what is
 * published on any node is heard on all. ioredis' own Cluster subscriber changes nodes without telling, and so
 * hides that messages were missed.
 */
export function anyNode(nodes: readonly Address[], isTls: boolean): Connector {
  let turn = 0
  return class AnyNode extends AbstractConnector {
    constructor() {
      super(2_000)
    }

    override connect(): Promise<Stream> {
      const node = nodes[turn++ % nodes.length]
      const to = { host: node?.host ?? 'localhost', port: node?.port ?? 0 }
      this.connecting = true
      this.stream = isTls ? connectTls({ ...to, ...serverName(to.host) }) : connect(to)
      this.stream.once('error', (error: Error) => (this.firstError = error))
      return Promise.resolve(this.stream)
    }
  }
}

import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A port that FakeStripe listens on. */
export class FakeListener {
  readonly port: number
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  /** `undefined`: somebody else has the port. */
  static async open(
    handle: RequestListener,
    port: number,
    host: string,
  ): Promise<FakeListener | undefined> {
    const server = createServer(handle)
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once('error', resolve)
      server.listen(port, host, () => resolve(undefined))
    })
    if (error && (error.code !== 'EADDRINUSE' || port === 0)) throw error
    return error ? undefined : new FakeListener(server)
  }

  /** The page leads to 127.0.0.1 in any case: a container publishes the port there. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The port is free again; what is being answered still is. */
  close(): void {
    if (this.#server.listening) this.#server.close()
    this.#server.closeIdleConnections()
  }

  async destroy(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.once('close', resolve)
      if (this.#server.listening) this.#server.close()
      else resolve(undefined)
      this.#server.closeAllConnections()
    })
  }
}

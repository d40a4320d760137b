import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const page = '<!doctype html><title>page</title><p>a page of its own'

/** A certificate for names of the test, good for a day. */
function certificate(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'autodocops-cert-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=api.test', '-addext', 'subjectAltName=DNS:*.test']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  const made = { key: readFileSync(key), cert: readFileSync(cert) }
  rmSync(folder, { recursive: true })
  return made
}

/**
 * What stands in front of a server in production: it ends TLS and passes everything on. On any name it
 * answers `/page` itself, so that a browser has somewhere to run its scripts.
 */
export class Front {
  /** What was asked of the server behind, and what it answered. */
  readonly answered: { readonly request: http.IncomingMessage; readonly status: number }[] = []
  readonly #server: http.Server | https.Server
  readonly #scheme: 'http' | 'https'
  target = ''

  constructor(scheme: 'http' | 'https') {
    const handle: http.RequestListener = (request, response) => this.#answer(request, response)
    this.#scheme = scheme
    this.#server =
      scheme === 'https' ? https.createServer(certificate(), handle) : http.createServer(handle)
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  origin(name: string): string {
    return `${this.#scheme}://${name}:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    if (request.url === '/page') {
      response.setHeader('content-type', 'text/html')
      response.end(page)
      return
    }
    const { method, headers, url } = request
    const options = { method: method ?? 'GET', headers }
    const passed = http.request(`${this.target}${url ?? ''}`, options, (reply) => {
      this.answered.push({ request, status: reply.statusCode ?? 0 })
      response.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(response)
    })
    passed.on('error', () => response.destroy())
    request.pipe(passed)
  }
}

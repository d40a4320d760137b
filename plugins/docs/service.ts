import { createHash } from 'node:crypto'

import type { AppView, ServerFacts } from 'autodocops'

import type { Assets } from './assets.ts'
import type { DocsConfig } from './config.ts'
import type { DocsService } from './contract.ts'
import { openApiDocument } from './document.ts'
import type { ApiDocument } from './openapi.ts'
import { pageOf } from './page.ts'

interface Needs {
  readonly app: AppView
  readonly assets: Assets
  readonly config: DocsConfig
  readonly server: ServerFacts
}

/** Text that is sent as it is, and the validator of RFC 9110 §8.8.3 for it. */
export interface Tagged {
  readonly text: string
  readonly etag: string
}

/** What was made of one generation: each part when it is first asked for. */
interface Made {
  readonly of: unknown
  readonly publicUrl: string
  readonly document: ApiDocument
  json?: Tagged
  page?: Tagged
}

/** The document of the current generation, and the page of it. */
export class Documentation implements DocsService {
  readonly #needs: Needs
  #made: Made | undefined

  constructor(needs: Needs) {
    this.#needs = needs
  }

  document(): Readonly<Record<string, unknown>> {
    return { ...this.#current().document }
  }

  json(): Tagged {
    const made = this.#current()
    return (made.json ??= tagged(JSON.stringify(made.document)))
  }

  page(): Tagged {
    const made = this.#current()
    return (made.page ??= tagged(pageOf(made.document, this.#needs.assets.version)))
  }

  /** The facts of a route are new objects in each generation, also where nothing of the route has changed. */
  #current(): Made {
    const { app, server } = this.#needs
    const routes = app.routes()
    const { publicUrl } = server
    const [of] = routes
    const last = this.#made
    if (last !== undefined && last.of === of && last.publicUrl === publicUrl) return last
    return (this.#made = { of, publicUrl, document: this.#make(routes) })
  }

  #make(routes: ReturnType<AppView['routes']>): ApiDocument {
    const { app, config, server } = this.#needs
    return openApiDocument({
      config,
      routes,
      plugins: app.plugins(),
      schemes: app.securitySchemes(),
      publicUrl: server.publicUrl,
      version: app.version,
    }) as unknown as ApiDocument
  }
}

const tagged = (text: string): Tagged => ({
  text,
  etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`,
})

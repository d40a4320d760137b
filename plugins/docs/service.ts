import type { AppView, ServerFacts } from 'autodocops'

import type { DocsConfig } from './config.ts'
import type { DocsService } from './contract.ts'
import { openApiDocument } from './document.ts'

interface Needs {
  readonly app: AppView
  readonly config: DocsConfig
  readonly server: ServerFacts
}

/** The document of the current generation, made once for each. */
export class Documentation implements DocsService {
  readonly #needs: Needs
  #made: { readonly for: unknown; readonly document: Readonly<Record<string, unknown>> } | undefined

  constructor(needs: Needs) {
    this.#needs = needs
  }

  document(): Readonly<Record<string, unknown>> {
    const { app, config, server } = this.#needs
    const routes = app.routes()
    const key = routes.map(({ plugin, method, path }) => `${plugin} ${method} ${path}`).join()
    if (this.#made?.for === key) return this.#made.document
    const document = openApiDocument({
      config,
      routes,
      schemes: app.securitySchemes(),
      publicUrl: server.publicUrl,
      version: app.version,
    }) as unknown as Readonly<Record<string, unknown>>
    this.#made = { for: key, document }
    return document
  }
}

import { service } from 'autodocops'

export interface DocsService {
  /** OpenAPI 3.1 of exactly the enabled routes. */
  readonly document: () => Readonly<Record<string, unknown>>
}

export const Docs = service('docs').of<DocsService>()

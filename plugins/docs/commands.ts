import type { Command } from 'autodocops'

import type { DocsService } from './contract.ts'

/** Without a running server: from the route tables of the plugins that the manifest switches on. */
const openapi: Command<{ readonly docs: DocsService }> = {
  summary: 'Print the OpenAPI document of the enabled routes',
  examples: ['autodocops openapi > openapi.json', 'autodocops openapi --json'],
  seesApp: true,
  run: ({ docs }, _args, { out, json }) => out(JSON.stringify(docs.document(), null, json ? 0 : 2)),
}

export const commands = { openapi }

import { cls, definePlugin } from 'autodocops'

import { commands } from './commands.ts'
import { config } from './config.ts'
import { Docs } from './contract.ts'
import { routes } from './routes.ts'
import { Documentation } from './service.ts'

export default definePlugin({
  name: 'docs',
  version: '1.0.0',
  core: '^1',
  summary: 'OpenAPI 3.1 of exactly the enabled routes, as JSON',
  config,
  provides: { docs: Docs },
  services: { docs: cls(Documentation) },
  routes,
  commands,
  describe: ({ server }) => `${server.publicUrl}/openapi.json`,
  welcome: ({ server }) => [`API document   ${server.publicUrl}/openapi.json`],
  examples: { config: { valid: [{}, { title: 'Our API' }], invalid: [{ title: '' }] } },
})

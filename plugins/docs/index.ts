import { cls, definePlugin, own } from 'autodocops'

import { Assets } from './assets.ts'
import { commands } from './commands.ts'
import { config } from './config.ts'
import { Docs } from './contract.ts'
import { examine } from './doctor.ts'
import { routes } from './routes.ts'
import { Documentation } from './service.ts'

export default definePlugin({
  name: 'docs',
  version: '1.0.0',
  core: '^1',
  summary: 'The API documentation: a page at /docs, and OpenAPI 3.1 of exactly the enabled routes',
  config,
  provides: { docs: Docs },
  internal: { assets: own<Assets>(), pages: own<Documentation>() },
  services: {
    assets: () => new Assets(),
    pages: cls(Documentation),
    docs: ({ pages }) => pages,
  },
  routes,
  commands,
  describe: ({ server, config: { page } }) =>
    `${server.publicUrl}${page ? '/docs' : '/openapi.json'}`,
  welcome: ({ server, config: { page } }) => [
    page
      ? `Documentation  ${server.publicUrl}/docs`
      : `API document   ${server.publicUrl}/openapi.json`,
  ],
  doctor: ({ server, config }) => Promise.resolve([examine(server, config)]),
  examples: {
    config: {
      valid: [{}, { title: 'Our API' }, { page: false }],
      invalid: [{ title: '' }, { page: 'no' }],
    },
  },
})

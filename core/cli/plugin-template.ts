/**
 * The files of a new plugin. JavaScript with types in comments: it runs as it is on every runtime, and
 * `// @ts-check` still makes an undeclared service an error in the editor.
 */
export function pluginTemplate(
  name: string,
  coreVersion: string,
): Readonly<Record<string, string>> {
  const words = name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  const values: Readonly<Record<string, string>> = {
    name,
    Pascal: words.join(''),
    title: words.join(' '),
    code: name.replaceAll('-', '_'),
    core: `^${coreVersion.split('.')[0] ?? '1'}`,
  }
  const fill = (text: string) =>
    text.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole)
  return Object.fromEntries(Object.entries(templates).map(([file, text]) => [file, fill(text)]))
}

const templates: Readonly<Record<string, string>> = {
  'package.json': `{
  "name": "autodocops-{{name}}",
  "version": "1.0.0",
  "type": "module",
  "exports": { ".": "./contract.js", "./package.json": "./package.json" },
  "scripts": { "test": "node test.js" },
  "peerDependencies": { "autodocops": "{{core}}" },
  "dependencies": { "zod": "^4.0.0" },
  "devDependencies": { "uvu": "^0.5.6" },
  "autodocops": {
    "plugin": "./index.js",
    "configModule": "./config.js",
    "name": "{{name}}",
    "version": "1.0.0",
    "core": "{{core}}",
    "summary": "{{title}}: greets whoever asks",
    "requires": [],
    "provides": ["{{name}}"],
    "fills": [],
    "migrations": false,
    "routes": ["GET /{{name}}/:who"],
    "metrics": ["{{code}}_greetings_total"],
    "commands": [],
    "environment": [],
    "config": {
      "type": "object",
      "properties": {
        "greeting": { "type": "string", "minLength": 1, "default": "Hello", "description": "What is said before the name." }
      },
      "additionalProperties": false
    }
  }
}
`,
  'index.js': `// @ts-check
import { cls, definePlugin } from 'autodocops'

import { config } from './config.js'
import { {{Pascal}} } from './contract.js'
import { dashboard } from './dashboard.js'
import { metrics } from './metrics.js'
import { routes } from './routes.js'
import { Greeter } from './service.js'

export default definePlugin({
  name: '{{name}}',
  version: '1.0.0',
  core: '{{core}}',
  summary: '{{title}}: greets whoever asks',
  config,
  provides: { greeter: {{Pascal}} },
  services: { greeter: cls(Greeter) },
  routes,
  metrics,
  dashboard,
  doctor: async ({ config }) => [{ check: 'greeting', verdict: 'ok', saw: config.greeting }],
  examples: { config: { valid: [{}, { greeting: 'Hola' }], invalid: [{ greeting: '' }] } },
})
`,
  'contract.js': `// @ts-check
import { events, service } from 'autodocops'

/**
 * @typedef {object} {{Pascal}}Service
 * @property {(who: string) => string} greet
 */

/** What other plugins may ask for: \`requires: { greeter: {{Pascal}} }\`. */
export const {{Pascal}} = /** @type {import('autodocops').ServiceToken<{{Pascal}}Service, '{{name}}', false>} */ (
  service('{{name}}').of()
)

export const {{Pascal}}Events = /** @type {import('autodocops').EventSet<{ '{{name}}:greeted': { who: string } }>} */ (
  events('{{name}}')
)
`,
  'config.js': `// @ts-check
import * as z from 'zod'

export const config = z.strictObject({
  greeting: z.string().min(1).default('Hello').describe('What is said before the name.'),
})
`,
  'service.js': `// @ts-check
import { {{Pascal}}Events } from './contract.js'

/** Greets, and says that it did. */
export class Greeter {
  #config
  #events

  /** @param {{ config: { greeting: string }, events: import('autodocops').EventBus }} services */
  constructor({ config, events }) {
    this.#config = config
    this.#events = events
  }

  /** @param {string} who */
  greet(who) {
    this.#events.emit({{Pascal}}Events, '{{name}}:greeted', { who })
    return \`\${this.#config.greeting}, \${who}!\`
  }
}
`,
  'routes.js': `// @ts-check
import * as z from 'zod'

const Greeting = z.object({ message: z.string() })

/**
 * @param {{ route: import('autodocops').RouteOf<{ greeter: import('./contract.js').{{Pascal}}Service }> }} builder
 */
export const routes = ({ route }) => [
  route({
    method: 'GET',
    path: '/{{name}}/:who',
    summary: 'Greets',
    tags: ['{{name}}'],
    auth: 'public',
    limit: 'default',
    timeoutMs: 5_000,
    params: z.object({ who: z.string().max(64) }),
    responses: { 200: Greeting },
    examples: [{ summary: 'Greet Ada', params: { who: 'Ada' } }],
    handler: ({ greeter }, { params }) => ({ message: greeter.greet(params.who) }),
  }),
]
`,
  'metrics.js': `// @ts-check
import { counter } from 'autodocops'

import { {{Pascal}}Events } from './contract.js'

export const metrics = [
  counter({
    name: '{{code}}_greetings_total',
    help: 'Greetings given.',
    from: {{Pascal}}Events,
    on: { '{{name}}:greeted': () => ({}) },
  }),
]
`,
  'dashboard.js': `// @ts-check
import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.js'

export const dashboard = dashboardRow(metrics, {
  title: '{{title}}',
  panels: [
    {
      title: 'Greetings given',
      description: 'Who asks for a greeting, gets one.',
      unit: 'ops',
      queries: [{ rate: '{{code}}_greetings_total' }],
    },
  ],
})
`,
  'test.js': `import { readFileSync } from 'node:fs'

import { conformance, testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import plugin from './index.js'

test('it greets by name', async () => {
  const tested = await testPlugin(plugin, { config: { greeting: 'Hola' } })

  const reply = await tested.inject({ url: '/{{name}}/Ada' })

  assert.is(reply.status, 200)
  assert.equal(reply.json(), { message: 'Hola, Ada!' })
  await tested.stop()
})

test.run()

const { autodocops } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
conformance(plugin, { facts: autodocops })
`,
  'README.md': `# {{name}}

Greets whoever asks. Switch it on in the manifest:

\`\`\`yaml
plugins:
  {{name}}: { from: ../my-plugins/{{name}}, config: { greeting: Hola } }
\`\`\`

| config | default | what |
|---|---|---|
| \`greeting\` | \`Hello\` | What is said before the name. |

| route | auth | what |
|---|---|---|
| \`GET /{{name}}/:who\` | public | Greets |

| metric | labels | what |
|---|---|---|
| \`{{code}}_greetings_total\` | | Greetings given. |

| \`autodocops doctor\` looks at | |
|---|---|
| greeting | what is said |

## Change it

\`node test.js\` examines the plugin by the kit. What package.json says under \`autodocops\` is read without running any code; when the code says something else, the kit and the server refuse it: \`autodocops plugins --facts .\` prints it anew.

| part of \`definePlugin\` | what it is |
|---|---|
| \`requires\` | services of others: \`{ database: Database, cache: optional(Cache) }\`, from \`autodocops/plugins/database\` |
| \`provides\`, \`internal\`, \`services\` | what others may ask for, what nobody else sees, and how both are built |
| \`routes\`, \`operations\` | for everybody, and for the operator under \`/admin/{{name}}\` |
| \`migrations\` | a folder of \`0001-name.js\`, run before \`start\` |
| \`start\`, \`activate\`, \`deactivate\`, \`stop\` | connect; begin consuming; end consuming; disconnect |
| \`health\` | checks for \`/readyz\` |
| \`metrics\`, \`dashboard\` | what is counted, and its row of the dashboard: every metric in a panel |
| \`doctor\` | what \`autodocops doctor\` finds out. The plugin is built and not started; it asks, within five seconds, and changes nothing. What is not well has a \`fix\` |
| \`commands\` | verbs: \`autodocops <verb>\` |
| \`describe\`, \`volatile\`, \`welcome\` | lines for \`start\`: what it runs on, what is lost when it is replaced, what to try |
`,
}

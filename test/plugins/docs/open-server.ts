import type { ApiDocument } from '../../../plugins/docs/openapi.ts'
import { postgres } from '../../harness/postgres.ts'
import { run, startServer } from '../../harness/process.ts'

/** Every plugin of the default manifest, with budgets that a test does not use up, and a fake model in a hurry. */
const manifest = `
server:
  port: 0
  operations: '127.0.0.1:0'
  dataDir: '\${DATA_DIR}'
  limits: { eventLoopLag: 1m }
plugins:
  database: { config: { url: '\${DATABASE_URL}' } }
  cache: true
  sessions: true
  auth:
    config:
      limits:
        default: { anonymous: 1000000, user: 1000000 }
        chat: { anonymous: 1000000, user: 1000000 }
        auth: { anonymous: 1000000, user: 1000000 }
  projects: true
  billing: { config: { plans: { pro: { prices: ['\${STRIPE_PRICE_PRO:-}'] } } } }
  llm-chat:
    config:
      fakeDelay: '\${FAKE_DELAY}'
      limits: { concurrent: 1000, requestsPerMinute: 1000000, tokensPerMinute: 1000000000, tokensPerMonth: 1000000000 }
  metrics: true
  docs: true
`

/** A real server with its document, and a token that it takes. */
export async function documentedServer(fakeDelay = '1ms') {
  const { url: database } = await postgres()
  const env = { DATABASE_URL: database, FAKE_DELAY: fakeDelay }
  const server = await startServer({ manifest, env })
  const tokenFor = async (subject: string) => {
    const words = ['token', '--sub', subject]
    const { code, stdout, stderr } = await run(words, { manifest, env, home: server.home })
    if (code !== 0) throw new Error(`autodocops ${words.join(' ')}: ${stderr}`)
    return stdout.trim()
  }
  const token = await tokenFor('alice')
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as ApiDocument
  return { server, token, tokenFor, document }
}

/** Secrets that are looked for in everything that comes out. None has the shape of a known kind of key, so that no pattern hides it by luck. */
export const secrets = {
  JWT_SECRET_KEY: 'canaryJwt-4b1d7f60a2c94e8f8d35c1f0aa17',
  SESSION_SECRET: 'canarySession-90c2e77b5f1a4d6693b8d2e4',
  OPENAI_API_KEY: 'canaryOpenai-17ab33f2c5d04be2a6f0',
  STRIPE_WEBHOOK_SECRET: 'canaryStripe-55e0f19a7c3b48d9b1e6',
  OPERATIONS_TOKEN: 'canaryOperations-c81f60d2e94b4a7ba5f3e0',
}

/** Every plugin that needs no Redis, on those secrets. `limits` and `chat` are YAML. */
export const manifestOf = ({ level = 'info', limits = '{}', chat = 'true' } = {}) => `
log: { level: ${level} }
server:
  host: '127.0.0.1'
  port: '\${PORT}'
  operations: '\${OPERATIONS_ADDRESS}'
  operationsToken: '\${OPERATIONS_TOKEN}'
  dataDir: '\${DATA_DIR}'
plugins:
  database: { config: { url: '\${DATABASE_URL}' } }
  cache: true
  sessions: { config: { secret: '\${SESSION_SECRET}' } }
  auth: { config: { secret: '\${JWT_SECRET_KEY}', limits: ${limits} } }
  projects: true
  billing: { config: { webhookSecret: '\${STRIPE_WEBHOOK_SECRET}' } }
  llm-chat: ${chat}
  metrics: true
  docs: true
`

import { cls, definePlugin, optional, own } from 'autodocops'
import { Billing } from 'autodocops/plugins/billing'
import { Database } from 'autodocops/plugins/database'
import { RedisConnections } from 'autodocops/plugins/redis'

import { Accounts } from './accounts.ts'
import type { Admission } from './admission.ts'
import { MemoryAdmission } from './admission-memory.ts'
import { RedisAdmission } from './admission-redis.ts'
import { config } from './config.ts'
import { Llm } from './contract.ts'
import type { Conversations } from './conversations.ts'
import { MemoryConversations } from './conversations-memory.ts'
import { PostgresConversations } from './conversations-postgres.ts'
import { dashboard } from './dashboard.ts'
import { Dialogue } from './dialogue.ts'
import { examine } from './doctor.ts'
import { Keeping } from './keeping.ts'
import type { Ledger } from './ledger.ts'
import { MemoryLedger } from './ledger-memory.ts'
import { PostgresLedger } from './ledger-postgres.ts'
import { ModelClient } from './llm.ts'
import { metrics } from './metrics.ts'
import { describeModels, Models } from './models.ts'
import { Quota } from './quota.ts'
import { routes } from './routes.ts'
import { Salvage } from './salvage.ts'
import { ChatService } from './service.ts'
import type { Streams } from './streams.ts'
import { MemoryStreams } from './streams-memory.ts'
import { RedisStreams } from './streams-redis.ts'

export default definePlugin({
  name: 'llm-chat',
  version: '1.0.0',
  core: '^1',
  summary: 'Chat with language models: streams, OpenAI’s protocol, history, quotas',
  config,
  requires: {
    database: optional(Database),
    redis: optional(RedisConnections),
    billing: optional(Billing),
  },
  provides: { llm: Llm },
  internal: {
    models: own<Models>(),
    admission: own<Admission>(),
    ledger: own<Ledger>(),
    quota: own<Quota>(),
    accounts: own<Accounts>(),
    chat: own<ChatService>(),
    conversations: own<Conversations>(),
    dialogue: own<Dialogue>(),
    salvage: own<Salvage>(),
    streams: own<Streams>(),
    keeping: own<Keeping>(),
  },
  services: {
    models: cls(Models),
    admission: ({ redis, clock, log }) =>
      redis ? new RedisAdmission({ redis, clock, log }) : new MemoryAdmission({ clock }),
    ledger: ({ database, clock }) =>
      database ? new PostgresLedger({ database, clock }) : new MemoryLedger({ clock }),
    quota: cls(Quota),
    accounts: cls(Accounts),
    chat: cls(ChatService),
    conversations: ({ database, clock, random }) =>
      database
        ? new PostgresConversations({ database })
        : new MemoryConversations({ clock, random }),
    dialogue: cls(Dialogue),
    salvage: cls(Salvage),
    streams: ({ redis, salvage, config: { resume, timeouts }, log }) =>
      redis
        ? new RedisStreams({
            redis,
            salvage,
            keepMs: resume.keep,
            liveMs: timeouts.total + resume.keep,
            outageMs: resume.outage,
            log,
          })
        : new MemoryStreams({ keepMs: resume.keep }),
    keeping: ({ streams, config: { resume, limits }, log }) =>
      new Keeping({ streams, graceMs: resume.grace, maxBytes: limits.answerBytes, log }),
    llm: cls(ModelClient),
  },
  routes,
  metrics,
  dashboard,
  migrations: new URL('./migrations/', import.meta.url),
  // Opened before the first question needs it; not awaited, as a server starts without its Redis.
  start: ({ redis }) => void redis?.connection('llm-chat'),
  activate: ({ chat, streams }) => {
    chat.activate()
    streams.start()
  },
  stop: async ({ chat, keeping, streams, models }) => {
    await chat.stop()
    await keeping.settled()
    await streams.close()
    await models.close()
  },
  welcome: ({ server }) => [
    `curl -sSN ${server.publicUrl}/chat/stream -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"query":"What is a plugin?"}'`,
  ],
  describe: ({ config: settings, database }) =>
    `${describeModels(settings)}; ${database ? 'history in the database' : 'history in memory'}`,
  doctor: examine,
  examples: {
    config: {
      valid: [
        {},
        { fake: true },
        { apiKey: 'sk-proj-0123456789', model: 'gpt-4o-mini' },
        { baseUrl: 'http://localhost:11434/v1', model: 'llama3.2' },
        {
          apiKey: 'azure-key-0123456789',
          baseUrl: 'https://acme.openai.azure.com',
          model: 'my-deployment',
        },
        {
          apiKey: 'sk-proj-0123456789',
          model: 'chat',
          models: {
            chat: {
              targets: [
                { model: 'gpt-4o-mini' },
                { model: 'llama3.2', baseUrl: 'http://localhost:11434/v1' },
              ],
              price: { input: 0.15, output: 0.6 },
            },
          },
        },
      ],
      invalid: [
        { fake: false },
        { apiKey: 'azure-key-0123456789', baseUrl: 'https://acme.openai.azure.com' },
        { fake: true, model: 'other', models: { chat: { targets: [{ model: 'm' }] } } },
        { timeouts: { idle: 30 } },
      ],
    },
  },
})

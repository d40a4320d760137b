import type { Random, RouteOf } from 'autodocops'

import type { ChatConfig } from './config.ts'
import type { Conversations } from './conversations.ts'
import type { Dialogue } from './dialogue.ts'
import type { Keeping } from './keeping.ts'
import type { Models } from './models.ts'
import type { Quota } from './quota.ts'
import { chatRoutes } from './routes-chat.ts'
import { conversationRoutes } from './routes-conversations.ts'
import { openAiRoutes } from './routes-openai.ts'
import { streamRoutes } from './routes-streams.ts'
import type { ChatService } from './service.ts'
import { usageReport } from './shapes.ts'
import type { Streams } from './streams.ts'

/** What the handlers use. */
export interface RouteServices {
  readonly chat: ChatService
  readonly dialogue: Dialogue
  readonly models: Models
  readonly quota: Quota
  readonly streams: Streams
  readonly keeping: Keeping
  readonly conversations: Conversations
  readonly random: Random
}

export const routes = (builder: {
  readonly route: RouteOf<RouteServices>
  readonly config: ChatConfig
}) => [
  ...chatRoutes(builder.route, builder.config),
  ...openAiRoutes(builder.route, builder.config),
  ...streamRoutes(builder.route, builder.config),
  ...conversationRoutes(builder.route),
  builder.route({
    method: 'GET',
    path: '/chat/usage',
    summary: 'Your tokens: used, reserved, limit, and when they come back',
    tags: ['chat'],
    auth: 'user',
    limit: 'default',
    timeoutMs: 5_000,
    responses: { 200: usageReport },
    handler: async ({ quota, chat }, { principal }) => {
      const usage = await quota.usage(principal.subject)
      const { concurrent, requestsPerMinute, tokensPerMinute } = quota.limitsOf(usage.plan)
      const limits = { concurrent, requestsPerMinute, tokensPerMinute }
      return { ...usage, inFlight: chat.runningOf(principal.subject), limits }
    },
  }),
]

import type { RouteOf } from 'autodocops'

import type { ChatConfig } from './config.ts'
import type { RouteServices } from './route-services.ts'
import { chatRoutes } from './routes-chat.ts'
import { conversationRoutes } from './routes-conversations.ts'
import { openAiRoutes } from './routes-openai.ts'
import { streamRoutes } from './routes-streams.ts'
import { usageReport } from './shapes.ts'

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
    examples: [{ summary: 'Yours' }],
    handler: async ({ quota, chat }, { principal }) => {
      const usage = await quota.usage(principal.subject)
      const { concurrent, requestsPerMinute, tokensPerMinute } = quota.limitsOf(usage.plan)
      const limits = { concurrent, requestsPerMinute, tokensPerMinute }
      return { ...usage, inFlight: chat.runningOf(principal.subject), limits }
    },
  }),
]

import { reply } from 'autodocops'
import type { RouteOf } from 'autodocops'

import { ChatErrors } from './errors.ts'
import type { RouteServices } from './route-services.ts'
import {
  conversationParams,
  conversationShape,
  messageShape,
  messagesQuery,
  newConversation,
  pageQuery,
  pageShape,
} from './shapes.ts'

const common = { tags: ['chat'], auth: 'user', limit: 'default', timeoutMs: 5_000 } as const

const nobodys = {
  summary: 'One that is not yours',
  params: { id: 'conv_01990f3e-7c1a-7d2b-8a52-0c3b9a1f5e77' },
  status: 404,
}

export const conversationRoutes = (route: RouteOf<RouteServices>) => [
  route({
    ...common,
    method: 'POST',
    path: '/chat/conversations',
    summary: 'Begin a conversation that is stored',
    body: { schema: newConversation, maxBytes: 4_096 },
    responses: { 201: conversationShape },
    examples: [{ summary: 'With a title', body: { title: 'Caching' } }],
    handler: async ({ conversations }, { body, principal }) => {
      const created = await conversations.create(principal.subject, body.title ?? null)
      return reply(201, created, { Location: `/chat/conversations/${created.id}` })
    },
  }),
  route({
    ...common,
    method: 'GET',
    path: '/chat/conversations',
    summary: 'Your conversations, the newest first',
    query: pageQuery,
    responses: { 200: pageShape(conversationShape) },
    examples: [{ summary: 'The first page' }],
    handler: ({ conversations }, { query, principal }) =>
      conversations.list(principal.subject, query),
  }),
  route({
    ...common,
    method: 'GET',
    path: '/chat/conversations/:id',
    summary: 'One conversation',
    params: conversationParams,
    responses: { 200: conversationShape },
    errors: [ChatErrors.conversation_not_found],
    examples: [nobodys],
    handler: ({ conversations }, { params, principal }) =>
      found(conversations, principal.subject, params.id),
  }),
  route({
    ...common,
    method: 'GET',
    path: '/chat/conversations/:id/messages',
    summary: 'Its messages, the oldest first',
    params: conversationParams,
    query: messagesQuery,
    responses: { 200: pageShape(messageShape) },
    errors: [ChatErrors.conversation_not_found],
    examples: [nobodys],
    handler: async ({ conversations }, { params, query, principal }) => {
      const { id } = await found(conversations, principal.subject, params.id)
      return conversations.messages(id, query)
    },
  }),
  route({
    ...common,
    method: 'DELETE',
    path: '/chat/conversations/:id',
    summary: 'Delete a conversation and its messages',
    params: conversationParams,
    responses: { 204: { description: 'Gone' } },
    errors: [ChatErrors.conversation_not_found],
    examples: [nobodys],
    handler: async ({ conversations }, { params, principal }) => {
      const { id } = params
      if (!(await conversations.remove(principal.subject, id)))
        throw ChatErrors.conversation_not_found({ id })
    },
  }),
]

async function found(conversations: RouteServices['conversations'], owner: string, id: string) {
  const conversation = await conversations.find(owner, id)
  if (conversation === undefined) throw ChatErrors.conversation_not_found({ id })
  return conversation
}

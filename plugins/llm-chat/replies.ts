import type { AnyRequest } from 'autodocops'

import type { Generation } from './generation.ts'

/** What a streamed reply carries: nothing on the way may keep it back or change it. */
export const streamHeaders = (
  { id, model, headers }: Generation,
  contentType: string,
  conversationId?: string,
): Readonly<Record<string, string>> => ({
  'Content-Type': `${contentType}; charset=utf-8`,
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
  'X-Stream-Id': id,
  'X-LLM-Model': model,
  ...(conversationId !== undefined && { 'X-Conversation-Id': conversationId }),
  ...headers,
})

/** Waits for the first token, so that a failure before it has a status. True when `ms` were not enough. */
export const isLate = (generation: Generation, ms: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(true), ms)
    const opening = generation.open().then(() => resolve(false), reject)
    void opening.finally(() => clearTimeout(timer))
  })

export const wantsEvents = ({ ctx }: Pick<AnyRequest, 'ctx'>): boolean =>
  ctx.accepts('text/plain', 'text/event-stream') === 'text/event-stream'

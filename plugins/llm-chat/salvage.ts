import type { Logger } from 'autodocops'

import type { Conversations } from './conversations.ts'
import { isTerminal, textOf } from './events.ts'
import type { StreamEvent } from './events.ts'

interface Services {
  readonly conversations: Conversations
  readonly log: Logger
}

/** The id that the answer of a stream has in its conversation. */
export const answerIdOf = (streamId: string): string => streamId.replace(/^strm_/, 'msg_')

/**
 * What a dead producer had written of a kept answer goes into its conversation, marked as broken: by whoever
 * sees the death, and once, since the answer has one id. A producer that was only slow replaces it.
 */
export class Salvage {
  readonly #services: Services

  constructor(services: Services) {
    this.#services = services
  }

  /** All events that are left of it. Never rejects. */
  async store(streamId: string, events: readonly StreamEvent[]): Promise<void> {
    const start = startOf(events)
    const content = events.map(textOf).join('')
    // With an end in the stream, its producer lived to store it.
    if (start?.conversationId === undefined || content === '' || events.some(isTerminal)) return
    const { conversationId, model } = start
    const id = answerIdOf(streamId)
    const message = { id, role: 'assistant', content, model, finishReason: 'error' } as const
    try {
      await this.#services.conversations.restore(conversationId, message)
    } catch (error) {
      this.#services.log.error({ err: error, conversationId }, 'a broken answer was not stored')
    }
  }
}

function startOf(events: readonly StreamEvent[]) {
  const data = events.find(({ event }) => event === 'start')?.data
  if (data === undefined) return undefined
  const { conversationId, model } = JSON.parse(data) as Start
  return { conversationId: conversationId ?? undefined, model }
}

interface Start {
  readonly conversationId: string | null
  readonly model: string
}

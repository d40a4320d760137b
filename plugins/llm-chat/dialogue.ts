import type { Logger, Random } from 'autodocops'

import { ChatErrors } from './errors.ts'
import { bytesPerToken, tokensOfQuestion } from './estimate.ts'
import type { Conversations, NewMessage, Role } from './conversations.ts'
import type { Generation } from './generation.ts'
import type { Models } from './models.ts'
import { answerIdOf } from './salvage.ts'
import type { ChatService } from './service.ts'

/** How much of a conversation the model sees. */
const historyMessages = 50

export interface Said {
  readonly role: Role
  readonly content: string
}

export interface TalkRequest {
  readonly query?: string | undefined
  readonly messages?: readonly Said[] | undefined
  readonly conversationId?: string | undefined
  readonly model?: string | undefined
  readonly maxOutputTokens?: number | undefined
  readonly temperature?: number | undefined
}

export interface Talk {
  readonly generation: Generation
  readonly conversationId: string | undefined
  /** The id that the answer has, or will have, in the conversation. */
  readonly messageId: string | undefined
}

interface Services {
  readonly chat: ChatService
  readonly models: Models
  readonly conversations: Conversations
  readonly random: Random
  readonly log: Logger
}

/** A question inside its conversation, if it names one: with the history before it, and stored with its answer. */
export class Dialogue {
  readonly #services: Services

  constructor(services: Services) {
    this.#services = services
  }

  /** Throws 404 for a conversation of somebody else, and whatever `ask` throws. */
  async begin(
    owner: string,
    request: TalkRequest,
    signal: AbortSignal,
    keepsText: boolean,
  ): Promise<Talk> {
    const { conversationId } = request
    const said = request.messages ?? [{ role: 'user', content: request.query ?? '' }]
    const { maxInputTokens } = this.#services.models.find(request.model)
    const room = maxInputTokens - tokensOfQuestion({ messages: said })
    const history = await this.#history(owner, conversationId, room)
    const messages = [...history, ...said]
    const generation = await this.#services.chat.ask(
      {
        owner,
        model: request.model,
        body: {
          messages,
          ...(request.temperature !== undefined && { temperature: request.temperature }),
        },
        maxOutputTokens: request.maxOutputTokens,
        keepsText: keepsText || conversationId !== undefined,
        ended: (self) => this.#store(conversationId, self),
      },
      signal,
    )
    await this.#storeQuestion(conversationId, said, generation)
    const messageId = conversationId && answerIdOf(generation.id)
    return { generation, conversationId, messageId }
  }

  /** The oldest messages go first when all of them are more than there is room for. */
  async #history(owner: string, id: string | undefined, room: number): Promise<readonly Said[]> {
    if (id === undefined) return []
    const { conversations } = this.#services
    const found = await conversations.find(owner, id)
    if (found === undefined) throw ChatErrors.conversation_not_found({ id })
    const most = { messages: historyMessages, bytes: room * bytesPerToken }
    const last = await conversations.last(id, most)
    const fitting: Said[] = []
    let left = room
    for (const { role, content } of last.toReversed()) {
      left -= tokensOfQuestion({ messages: [{ role, content }] })
      if (left < 0) break
      fitting.push({ role, content })
    }
    return fitting.reverse()
  }

  async #storeQuestion(
    id: string | undefined,
    said: readonly Said[],
    generation: Generation,
  ): Promise<void> {
    if (id === undefined) return
    const messages = said.map((one) => this.#message(one.role, one.content))
    try {
      await this.#services.conversations.append(id, messages)
    } catch (error) {
      generation.cancel()
      throw error
    }
  }

  /** Once, at the end: a part of an answer too, marked as such. */
  async #store(
    conversationId: string | undefined,
    { id, text, failure, finish, model }: Generation,
  ): Promise<void> {
    if (conversationId === undefined) return
    if (text === '' && failure !== undefined) return
    const wasLeft = failure?.rule.outcome === 'aborted'
    const finishReason =
      failure === undefined ? (finish ?? 'stop') : wasLeft ? 'cancelled' : 'error'
    const message = {
      id: answerIdOf(id),
      role: 'assistant',
      content: text,
      model,
      finishReason,
    } as const
    try {
      await this.#services.conversations.append(conversationId, [message])
    } catch (error) {
      this.#services.log.error({ err: error, conversationId }, 'an answer was not stored')
      throw error
    }
  }

  #message(role: Role, content: string): NewMessage {
    return { id: this.#newId(), role, content, model: null, finishReason: null }
  }

  #newId(): string {
    return `msg_${this.#services.random.uuid()}`
  }
}

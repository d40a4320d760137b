import type { Logger, Random } from 'autodocops'

import { ChatErrors } from './errors.ts'
import { tokensOfQuestion } from './estimate.ts'
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
    const history = await this.#history(owner, conversationId)
    const messages = this.#fitting(request, history, said)
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

  async #history(owner: string, id: string | undefined): Promise<readonly Said[]> {
    if (id === undefined) return []
    const { conversations } = this.#services
    const found = await conversations.find(owner, id)
    if (found === undefined) throw ChatErrors.conversation_not_found({ id })
    const last = await conversations.last(id, historyMessages)
    return last.map(({ role, content }) => ({ role, content }))
  }

  /** The oldest messages go first when all of them are too much for the model. */
  #fitting({ model }: TalkRequest, history: readonly Said[], said: readonly Said[]) {
    const { maxInputTokens } = this.#services.models.find(model)
    let room = maxInputTokens - tokensOfQuestion({ messages: said })
    const kept: Said[] = []
    for (const one of history.toReversed()) {
      room -= tokensOfQuestion({ messages: [one] })
      if (room < 0) break
      kept.push(one)
    }
    return [...kept.reverse(), ...said]
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

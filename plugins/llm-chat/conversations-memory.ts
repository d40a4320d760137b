import type { Clock, Random } from 'autodocops'

import { pageOf } from './conversations.ts'
import type {
  Conversation,
  Conversations,
  Message,
  Most,
  NewMessage,
  Page,
  PageRequest,
} from './conversations.ts'

const keptConversations = 1_000

interface Stored {
  readonly owner: string
  conversation: Conversation
  readonly messages: (Message & { readonly position: number })[]
}

/** Without a database: the last 1,000, as long as the process lives. */
export class MemoryConversations implements Conversations {
  readonly #clock: Clock
  readonly #random: Random
  readonly #stored = new Map<string, Stored>()

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock
    this.#random = random
  }

  async create(owner: string, title: string | null): Promise<Conversation> {
    const id = `conv_${this.#random.uuid()}`
    const now = this.#now()
    const conversation = { id, title, createdAt: now, updatedAt: now }
    this.#stored.set(id, { owner, conversation, messages: [] })
    const [oldest] = this.#stored.keys()
    if (this.#stored.size > keptConversations && oldest !== undefined) this.#stored.delete(oldest)
    return conversation
  }

  async find(owner: string, id: string): Promise<Conversation | undefined> {
    const stored = this.#stored.get(id)
    return stored?.owner === owner ? stored.conversation : undefined
  }

  async list(owner: string, { limit, cursor }: PageRequest): Promise<Page<Conversation>> {
    const own = [...this.#stored.values()]
      .filter((stored) => stored.owner === owner)
      .map(({ conversation }) => conversation)
      .filter(({ id }) => cursor === undefined || id < cursor)
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    return pageOf(
      own,
      limit,
      ({ id }) => id,
      (conversation) => conversation,
    )
  }

  async remove(owner: string, id: string): Promise<boolean> {
    return (await this.find(owner, id)) !== undefined && this.#stored.delete(id)
  }

  async append(id: string, messages: readonly NewMessage[]): Promise<void> {
    const stored = this.#stored.get(id)
    if (stored === undefined) return
    const createdAt = this.#now()
    for (const message of messages) {
      const known = stored.messages.findIndex((one) => one.id === message.id)
      const at = known < 0 ? stored.messages.length : known
      stored.messages[at] = { ...message, createdAt, position: at + 1 }
    }
    stored.conversation = { ...stored.conversation, updatedAt: createdAt }
  }

  async restore(id: string, message: NewMessage): Promise<void> {
    const messages = this.#stored.get(id)?.messages ?? []
    if (!messages.some((one) => one.id === message.id)) await this.append(id, [message])
  }

  async messages(id: string, { limit, cursor }: PageRequest): Promise<Page<Message>> {
    const after = (this.#stored.get(id)?.messages ?? []).slice(Number(cursor ?? 0))
    return pageOf(after, limit, ({ position }) => String(position), toMessage)
  }

  async last(id: string, most: Most): Promise<readonly Message[]> {
    const messages = (this.#stored.get(id)?.messages ?? []).slice(-most.messages)
    const last: Message[] = []
    let left = most.bytes
    for (const message of messages.toReversed()) {
      left -= Buffer.byteLength(message.content)
      if (left < 0) break
      last.push(toMessage(message))
    }
    return last.reverse()
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString()
  }
}

const toMessage = ({ id, role, content, model, finishReason, createdAt }: Message): Message => ({
  id,
  role,
  content,
  model,
  finishReason,
  createdAt,
})

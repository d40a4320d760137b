import type { DatabaseService } from 'autodocops/plugins/database'
import { Model, raw } from 'objection'

import { pageOf } from './conversations.ts'
import type {
  Conversation,
  Conversations,
  Message,
  Most,
  NewMessage,
  Page,
  PageRequest,
  Role,
} from './conversations.ts'

class ConversationRow extends Model {
  static override tableName = 'llm_chat_conversations'
  declare id: string
  declare owner: string
  declare title: string | null
  declare createdAt: Date
  declare updatedAt: Date
}

class MessageRow extends Model {
  static override tableName = 'llm_chat_messages'
  static override idColumn = 'position'
  declare position: number
  declare id: string
  declare conversationId: string
  declare role: Role
  declare content: string
  declare model: string | null
  declare finishReason: string | null
  declare createdAt: Date
}

/** A UUIDv7 by the database's clock, as conversations are listed by it: those of the instances may differ. */
const newId = `'conv_'
  || regexp_replace(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0'), '.{8}', '\\&-')
  || '-7' || substr(gen_random_uuid()::text, 16)`

export class PostgresConversations implements Conversations {
  readonly #conversations: typeof ConversationRow
  readonly #messages: typeof MessageRow

  constructor({ database }: { readonly database: DatabaseService }) {
    this.#conversations = database.bind(ConversationRow)
    this.#messages = database.bind(MessageRow)
  }

  async create(owner: string, title: string | null): Promise<Conversation> {
    const named = { id: raw(newId), owner, title }
    return toConversation(await this.#conversations.query().insert(named).returning('*'))
  }

  async find(owner: string, id: string): Promise<Conversation | undefined> {
    const row = await this.#conversations.query().findOne({ id, owner })
    return row && toConversation(row)
  }

  async list(owner: string, { limit, cursor }: PageRequest): Promise<Page<Conversation>> {
    const query = this.#conversations.query().where({ owner })
    if (cursor !== undefined) query.where('id', '<', cursor)
    const rows = await query.orderBy('id', 'desc').limit(limit + 1)
    return pageOf(rows, limit, ({ id }) => id, toConversation)
  }

  async remove(owner: string, id: string): Promise<boolean> {
    return (await this.#conversations.query().delete().where({ id, owner })) === 1
  }

  /** A conversation that was deleted meanwhile takes nothing. */
  async append(id: string, messages: readonly NewMessage[]): Promise<void> {
    if (!(await this.#touch(id))) return
    const rows = messages.map((message) => rowOf(id, message))
    await this.#messages.query().insert(rows).onConflict('id').merge(['content', 'finishReason'])
  }

  async restore(id: string, message: NewMessage): Promise<void> {
    if (!(await this.#touch(id))) return
    await this.#messages.query().insert(rowOf(id, message)).onConflict('id').ignore()
  }

  async messages(id: string, { limit, cursor }: PageRequest): Promise<Page<Message>> {
    const rows = await this.#messages
      .query()
      .where({ conversationId: id })
      .where('position', '>', Number(cursor ?? 0))
      .orderBy('position')
      .limit(limit + 1)
    return pageOf(rows, limit, ({ position }) => String(position), toMessage)
  }

  async last(id: string, most: Most): Promise<readonly Message[]> {
    const recent = this.#messages
      .query()
      .select('*', raw('sum(octet_length(content)) OVER (ORDER BY position DESC) AS bytes'))
      .where({ conversationId: id })
      .orderBy('position', 'desc')
      .limit(most.messages)
      .as('recent')
    const rows = await this.#messages
      .query()
      .from(recent)
      .where('bytes', '<=', most.bytes)
      .orderBy('position')
    return rows.map(toMessage)
  }

  async #touch(id: string): Promise<boolean> {
    // As created_at, by the database's clock: those of the instances may differ.
    const touched = this.#conversations
      .query()
      .patch({ updatedAt: raw('now()') })
      .where({ id })
    return (await touched) === 1
  }
}

/** Postgres holds no NUL in a text. Nobody asks with one, but a model may answer so. */
const rowOf = (conversationId: string, message: NewMessage) => ({
  ...message,
  content: message.content.replaceAll('\0', '\uFFFD'),
  conversationId,
})

const toConversation = ({ id, title, createdAt, updatedAt }: ConversationRow): Conversation => ({
  id,
  title,
  createdAt: new Date(createdAt).toISOString(),
  updatedAt: new Date(updatedAt).toISOString(),
})

const toMessage = (row: MessageRow): Message => ({
  id: row.id,
  role: row.role,
  content: row.content,
  model: row.model,
  finishReason: row.finishReason,
  createdAt: new Date(row.createdAt).toISOString(),
})

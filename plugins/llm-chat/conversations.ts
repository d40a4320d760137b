export interface Conversation {
  readonly id: string
  readonly title: string | null
  readonly createdAt: string
  readonly updatedAt: string
}

export const roles = ['system', 'user', 'assistant'] as const
export type Role = (typeof roles)[number]

export interface NewMessage {
  readonly id: string
  readonly role: Role
  readonly content: string
  readonly model: string | null
  /** `cancelled` and `error` mark a part of an answer. */
  readonly finishReason: string | null
}

export interface Message extends NewMessage {
  readonly createdAt: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

export interface PageRequest {
  readonly limit: number
  /** From the page before. */
  readonly cursor?: string | undefined
}

export interface Most {
  readonly messages: number
  readonly bytes: number
}

/** Stored history. Whatever is not the owner's does not exist. */
export interface Conversations {
  readonly create: (owner: string, title: string | null) => Promise<Conversation>
  readonly find: (owner: string, id: string) => Promise<Conversation | undefined>
  /** The newest first, by one clock. */
  readonly list: (owner: string, page: PageRequest) => Promise<Page<Conversation>>
  /** With its messages; false when there is none. */
  readonly remove: (owner: string, id: string) => Promise<boolean>
  /** A message that is there already, by its id, is replaced. */
  readonly append: (id: string, messages: readonly NewMessage[]) => Promise<void>
  /** One that is there already stays. */
  readonly restore: (id: string, message: NewMessage) => Promise<void>
  /** The oldest first. */
  readonly messages: (id: string, page: PageRequest) => Promise<Page<Message>>
  /** The last ones, the oldest of them first: no more than so many, and no more than so many bytes of text. */
  readonly last: (id: string, most: Most) => Promise<readonly Message[]>
}

/** One more was read than asked for, to see whether there is a next page. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => string,
  toItem: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const nextCursor = rows.length > limit && last !== undefined ? cursorOf(last) : null
  return { items: shown.map(toItem), nextCursor }
}

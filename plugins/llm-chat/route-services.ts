import type { Conversations } from './conversations.ts'
import type { Dialogue } from './dialogue.ts'
import type { Keeping } from './keeping.ts'
import type { Models } from './models.ts'
import type { Quota } from './quota.ts'
import type { ChatService } from './service.ts'
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
}

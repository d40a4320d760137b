/** What instances tell each other. */
export interface Message {
  /** Entries removed, written or out of date. */
  readonly keys?: readonly string[]
  /** Entries whose lease was given up, and which are what they were: who waits for them looks again. */
  readonly released?: readonly string[]
  readonly tags?: readonly string[]
  /** Namespaces, as {@link Keys.namespace} spells them. */
  readonly cleared?: readonly string[]
}

export interface Received extends Message {
  readonly from: string
}

/** `undefined` for what is not one of ours. */
export function parseMessage(text: string): Received | undefined {
  try {
    const message: unknown = JSON.parse(text)
    if (typeof message !== 'object' || message === null || !('from' in message)) return undefined
    const lists = ['keys', 'released', 'tags', 'cleared'].map((name) => Reflect.get(message, name))
    return lists.every(isTextList) ? (message as Received) : undefined
  } catch {
    return undefined
  }
}

const isTextList = (list: unknown): boolean =>
  list === undefined || (Array.isArray(list) && list.every((item) => typeof item === 'string'))

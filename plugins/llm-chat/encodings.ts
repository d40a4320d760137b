import { ChatErrors } from './errors.ts'
import type { PlainErrorCode } from './errors.ts'
import { eventsOf, lastEvents, startEvent, textOf, toSse } from './events.ts'
import type { StreamEvent, Unnumbered } from './events.ts'
import type { Generation } from './generation.ts'
import type { Delta } from './model.ts'
import type { Encoding } from './reply-stream.ts'

/** The answer and nothing else. A failure is a broken connection: there is no word for it that is no answer. */
export const plainText = (): Encoding<readonly Delta[]> => ({
  head: '',
  encode: (deltas) => deltas.map(({ text }) => text).join(''),
  tail: () => '',
})

/** Our own events, numbered. A failure is the core's `event: error`. */
export function eventStream(
  generation: Generation,
  conversationId: string | undefined,
): Encoding<readonly Delta[]> {
  let seq = 0
  const write = (events: readonly Unnumbered[]) =>
    events.map((one) => toSse({ ...one, seq: (seq += 1) })).join('')
  return {
    head: write([startEvent(generation, conversationId)]),
    encode: (deltas) => write(eventsOf(deltas)),
    tail: () => write(lastEvents(generation)),
  }
}

/** The model's own chunks. `[DONE]` is the one good end. */
export const openAiStream = (wantsUsage: boolean): Encoding<readonly Delta[]> => ({
  head: '',
  encode: (deltas) =>
    deltas
      .filter(({ onlyUsage }) => wantsUsage || !onlyUsage)
      .map(({ json }) => `data: ${json}\n\n`)
      .join(''),
  tail: () => 'data: [DONE]\n\n',
})

/** A kept answer's events; its error event becomes the error that it was. */
const replayed = (write: (events: readonly StreamEvent[]) => string): Encoding<readonly StreamEvent[]> => ({
  head: '',
  encode: (events) => {
    const failed = events.find(({ event }) => event === 'error')
    if (failed === undefined) return write(events)
    const before = events.filter(({ event }) => event !== 'error')
    if (before.length > 0) return write(before)
    throw failureOf(failed)
  },
  tail: () => '',
})

export const replayedEvents = () => replayed((events) => events.map(toSse).join(''))

export const replayedText = () => replayed((events) => events.map(textOf).join(''))

function failureOf({ data }: StreamEvent): Error {
  const { code } = JSON.parse(data) as { code: string }
  const make = Object.hasOwn(ChatErrors, code)
    ? ChatErrors[code as PlainErrorCode]
    : ChatErrors.model_failed
  return make()
}

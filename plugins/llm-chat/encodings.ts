import { ChatErrors } from './errors.ts'
import type { PlainErrorCode } from './errors.ts'
import { eventsOf, isTerminal, lastEvents, startEvent, textOf, toSse } from './events.ts'
import type { StreamEvent, Unnumbered } from './events.ts'
import type { Generation } from './generation.ts'
import type { Delta } from './model.ts'
import type { Encoding } from './reply-stream.ts'

/** Nearly always of one: `join` costs more than the text. */
function joined<T>(items: readonly T[], write: (item: T) => string): string {
  let text = ''
  for (const item of items) text += write(item)
  return text
}

/** A model may cut a character whose code has two halves: the first one waits for the second. */
function wholeCharacters(): (text: string) => string {
  let half = ''
  return (text) => {
    const all = half + text
    half = /[\uD800-\uDBFF]$/.test(all) ? all.slice(-1) : ''
    return half === '' ? all : all.slice(0, -1)
  }
}

/** The answer and nothing else. A failure is a broken connection: there is no word for it that is no answer. */
export function plainText(): Encoding<readonly Delta[]> {
  const whole = wholeCharacters()
  return {
    head: '',
    encode: (deltas) => whole(joined(deltas, ({ text }) => text)),
    tail: () => '',
  }
}

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

/** The model's own chunks. `[DONE]` is the one good end. A line end in JSON is white space, and here it is an end. */
export const openAiStream = (wantsUsage: boolean): Encoding<readonly Delta[]> => ({
  head: '',
  encode: (deltas) =>
    joined(deltas, ({ json, onlyUsage }) =>
      wantsUsage || !onlyUsage ? `data: ${json.replaceAll('\n', ' ')}\n\n` : '',
    ),
  tail: () => 'data: [DONE]\n\n',
})

/** A kept answer's events. Its error event becomes the error that it was; without an end it is lost. */
function replayed(
  write: (events: readonly StreamEvent[]) => string,
): Encoding<readonly StreamEvent[]> {
  let last: StreamEvent | undefined
  return {
    head: '',
    encode: (events) => {
      last = events.at(-1)
      return write(events.filter(({ event }) => event !== 'error'))
    },
    tail: () => {
      if (last?.event === 'error') throw failureOf(last)
      if (last !== undefined && !isTerminal(last)) throw ChatErrors.producer_lost()
      return ''
    },
  }
}

/** Where only the error is left, a comment opens the reply: by its status it would be tried again and again. */
export const replayedEvents = () =>
  replayed((events) => events.map(toSse).join('') || ': only the error is left\n\n')

export function replayedText(): Encoding<readonly StreamEvent[]> {
  const whole = wholeCharacters()
  return replayed((events) => whole(events.map(textOf).join('')))
}

function failureOf({ data }: StreamEvent): Error {
  const { code } = JSON.parse(data) as { code: string }
  const make = Object.hasOwn(ChatErrors, code)
    ? ChatErrors[code as PlainErrorCode]
    : ChatErrors.model_failed
  return make()
}

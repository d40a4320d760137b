import type { Delta } from './model.ts'
import type { Generation } from './generation.ts'

/** An event of our own event stream; `data` is JSON. Numbers begin at 1 and have no gaps. */
export interface StreamEvent {
  readonly seq: number
  readonly event: 'start' | 'delta' | 'tool_call' | 'usage' | 'done' | 'error'
  readonly data: string
}

export type Unnumbered = Omit<StreamEvent, 'seq'>

const event = (name: StreamEvent['event'], data: object): Unnumbered => ({
  event: name,
  data: JSON.stringify(data),
})

export const startEvent = (
  { id, model }: Generation,
  conversationId: string | undefined,
): Unnumbered => event('start', { streamId: id, conversationId: conversationId ?? null, model })

/** What one batch says: its text as one event, then its tool calls. */
export function eventsOf(deltas: readonly Delta[]): readonly Unnumbered[] {
  const text = deltas.map((delta) => delta.text).join('')
  const calls = deltas
    .flatMap(({ toolCalls }) => toolCalls)
    .map(({ index, id, name, argsDelta }) =>
      event('tool_call', { index, id: id ?? null, name: name ?? null, argsDelta }),
    )
  return text === '' ? calls : [event('delta', { text }), ...calls]
}

export const lastEvents = ({ usage, finish }: Generation): readonly Unnumbered[] => [
  event('usage', usage),
  event('done', { finishReason: finish ?? 'stop' }),
]

export const errorEvent = (code: string): Unnumbered => event('error', { code })

export const isTerminal = ({ event: name }: Unnumbered): boolean =>
  name === 'done' || name === 'error'

export const toSse = ({ seq, event: name, data }: StreamEvent): string =>
  `id: ${seq}\nevent: ${name}\ndata: ${data}\n\n`

/** The text that an event adds to the answer. */
export function textOf({ event: name, data }: Unnumbered): string {
  if (name !== 'delta') return ''
  return (JSON.parse(data) as { text: string }).text
}

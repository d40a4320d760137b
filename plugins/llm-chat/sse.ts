import { StringDecoder } from 'node:string_decoder'

import { ModelFailure } from './failure.ts'

const maxEventLength = 1_048_576

export interface SseEvent {
  readonly event: string
  readonly data: string
}

/**
 * Finds the events in the bytes of an event stream (WHATWG HTML §9.2.6), wherever they were cut. Comments
 * and events without data are dropped. An event over 1 Mi characters is a failure: the SDK's own reader
 * has no limit.
 */
export class SseScanner {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #isFirst = true

  push(bytes: Uint8Array): SseEvent[] {
    const text = this.#decoder.write(bytes as Buffer)
    this.#rest += text
    if (this.#rest.length > maxEventLength + bytes.length) throw new ModelFailure('bad_response')
    // Without a line end nothing can have ended, and the pieces are not looked through again and again.
    return /[\r\n]/.test(text) ? this.#take() : []
  }

  #take(): SseEvent[] {
    let text = this.#rest
    if (this.#isFirst && text.startsWith('\uFEFF')) text = text.slice(1)
    this.#isFirst = false
    // A carriage return at the end may be half a line end.
    const held = text.endsWith('\r') ? '\r' : ''
    if (text.includes('\r')) text = text.slice(0, text.length - held.length).replace(/\r\n?/g, '\n')
    const events: SseEvent[] = []
    let from = 0
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', from)) {
      const event = parse(text.slice(from, end))
      if (event !== undefined) events.push(event)
      from = end + 2
    }
    this.#rest = (from === 0 ? text : copyOf(text.slice(from))) + held
    if (this.#rest.length > maxEventLength) throw new ModelFailure('bad_response')
    return events
  }
}

/** A slice keeps all of its text alive, and a stream may stand still here. */
const copyOf = (slice: string): string => (slice === '' ? '' : Buffer.from(slice).toString())

function parse(block: string): SseEvent | undefined {
  if (block.startsWith('data: ') && !block.includes('\n')) {
    return { event: 'message', data: block.slice(6) }
  }
  let event = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const [, field, value = ''] = /^(event|data)(?:: ?(.*))?$/.exec(line) ?? []
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') }
}

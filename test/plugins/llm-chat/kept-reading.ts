/** Reading a kept answer as a client does: cut, taken up again, and compared. No wait is without an end. */
import { setTimeout as sleep } from 'node:timers/promises'

import * as assert from 'uvu/assert'

import { inTime, patienceMs } from './in-time.ts'
import type { Served } from './server.ts'

export interface Got {
  readonly ids: readonly number[]
  readonly text: string
  readonly ends: readonly string[]
}

const sse = { accept: 'text/event-stream' }

/** Asks for an answer that is kept. */
export const ask = (
  app: Served,
  query: string,
  options: { readonly as?: string; readonly signal?: AbortSignal } = {},
): Promise<Response> =>
  inTime(
    'the beginning of an answer',
    app.post('/chat/stream', { query, resumable: true }, { ...sse, ...options }),
  )

export const streamOf = (reply: Response): string =>
  `/chat/streams/${String(reply.headers.get('x-stream-id'))}`

/** To its end, where it is written. */
export const readAll = (reply: Response): Promise<string> =>
  inTime(`the end of ${streamOf(reply)} where it is written`, reply.text())

/** As any client does: what says when to come again is tried again. */
export async function resume(
  app: Served,
  stream: string,
  after = 0,
  as = 'alice',
): Promise<string> {
  const headers = { authorization: `Bearer ${as}`, 'last-event-id': String(after) }
  const signal = AbortSignal.timeout(patienceMs)
  let text = ''
  const read = async (): Promise<string> => {
    const reply = await fetch(`${app.url}${stream}`, { headers, signal })
    const decoder = new TextDecoder()
    text = ''
    for await (const chunk of reply.body ?? []) text += decoder.decode(chunk, { stream: true })
    if (reply.headers.has('retry-after')) return sleep(50).then(read)
    assert.is(reply.status, 200, text)
    return text
  }
  try {
    return await read()
  } catch (error) {
    if (!signal.aborted) throw error
    const heard = `heard ${JSON.stringify(text.slice(-200))}`
    throw new Error(`the end of ${stream} after ${after}: not within ${patienceMs} ms; ${heard}`)
  }
}

export function parse(text: string): Got {
  const events = [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)]
  const deltas = events.filter(([, , event]) => event === 'delta')
  return {
    ids: events.map(([, id]) => Number(id)),
    text: deltas.map(([, , , data]) => (JSON.parse(data ?? '') as { text: string }).text).join(''),
    ends: [...text.matchAll(/^event: (done|error)$/gm)].map(([, end]) => end ?? ''),
  }
}

/** Reads until more than a number of events has come, then breaks off; only whole events count. */
export async function readSome(
  reply: Response,
  count: number,
  leave: AbortController,
): Promise<string> {
  let text = ''
  const read = async () => {
    const decoder = new TextDecoder()
    for await (const chunk of reply.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if ((text.match(/^id: /gm) ?? []).length > count) break
    }
  }
  // Left, or cut: what came before it counts.
  await inTime(
    `event ${count} of ${streamOf(reply)}`,
    read().catch(() => undefined),
  )
  leave.abort()
  return text.slice(0, text.lastIndexOf('\n\n') + 2)
}

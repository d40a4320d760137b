/** Reading a kept answer as a client does: cut, taken up again, and compared. */
import { setTimeout as sleep } from 'node:timers/promises'

import * as assert from 'uvu/assert'

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
): Promise<Response> => app.post('/chat/stream', { query, resumable: true }, { ...sse, ...options })

export const streamOf = (reply: Response): string =>
  `/chat/streams/${String(reply.headers.get('x-stream-id'))}`

/** As any client does: a 503 is tried again. */
export async function resume(
  app: Served,
  stream: string,
  after = 0,
  as = 'alice',
): Promise<string> {
  for (;;) {
    const reply = await app.get(stream, as, { 'last-event-id': String(after) })
    const text = await reply.text()
    if (reply.status === 200) return text
    assert.is(reply.status, 503, text)
    await sleep(50)
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
  const decoder = new TextDecoder()
  try {
    for await (const chunk of reply.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if ((text.match(/^id: /gm) ?? []).length > count) break
    }
  } catch {
    // Left, or cut: what came before it counts.
  }
  leave.abort()
  return text.slice(0, text.lastIndexOf('\n\n') + 2)
}

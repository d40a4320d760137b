/** What users of the instances whose clocks are set ask, and what they were let in for. */
import { inTime } from '../plugins/llm-chat/in-time.ts'
import { questions } from './chat-patient-model.ts'

/** Of answers that go on while clocks are set. */
export const patienceMs = 180_000

interface Instance {
  readonly url: string
}

export const headersOf = (as: string) => ({
  authorization: `Bearer ${as}`,
  'content-type': 'application/json',
  accept: 'text/event-stream, application/json',
})

export const post = (to: Instance, path: string, as: string, body: object) =>
  fetch(to.url + path, { method: 'POST', headers: headersOf(as), body: JSON.stringify(body) })

export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What was let in, by its owner: what it says that it used. */
export const admitted = new Map<string, Promise<Usage>[]>()
const letIn = (as: string, usage: Promise<Usage>) => {
  usage.catch(() => undefined) // told where it is awaited
  admitted.set(as, [...(admitted.get(as) ?? []), usage])
}

export interface Answer {
  readonly how: string
  readonly text: Promise<string>
}

export async function begin(at: Instance, as: string): Promise<Answer> {
  const reply = await post(at, '/chat/stream', as, { query: questions.long })
  const text = inTime('the end of an answer', reply.text(), patienceMs)
  letIn(as, text.then(usageIn))
  return { how: `${as}, ${reply.status}`, text }
}

/** Written here, and read there only. */
export async function beginFar(at: Instance, from: Instance, as: string, leave?: AbortSignal) {
  const reply = await post(at, '/chat/stream', as, { query: questions.long, resumable: true })
  const id = String(reply.headers.get('x-stream-id'))
  const signal = leave ?? new AbortController().signal
  const far = await fetch(`${from.url}/chat/streams/${id}`, { headers: headersOf(as), signal })
  await reply.body?.cancel()
  const text = inTime('the end of a far answer', far.text(), patienceMs)
  letIn(as, text.then(usageIn))
  return { id, how: `${as}, ${reply.status}, read elsewhere`, text }
}

export const usageIn = (text: string) =>
  JSON.parse(/^event: usage\ndata: (.*)$/m.exec(text)?.[1] ?? 'null') as Usage

export interface Asked {
  readonly status: number
  readonly code: string | undefined
  readonly retryMs: number
}

/** For the shortest of answers. */
export async function ask(at: Instance, as: string): Promise<Asked> {
  const reply = await post(at, '/chat', as, { query: questions.short })
  const body = (await reply.json()) as { readonly code?: string; readonly usage: Usage }
  if (reply.status === 200) letIn(as, Promise.resolve(body.usage))
  return {
    status: reply.status,
    code: body.code,
    retryMs: Number(reply.headers.get('retry-after-ms') ?? 0),
  }
}

export const askAtOnce = (at: Instance, as: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => ask(at, as)))

export const isIn = ({ status }: Asked) => status === 200

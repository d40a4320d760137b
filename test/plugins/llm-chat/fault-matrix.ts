import type { Wish } from './upstream.ts'
import { answerOf } from './upstream.ts'

/** How a reply looked to its client. */
export interface Observed {
  readonly status: number
  readonly text: string
  /** False: the connection broke before the end. */
  readonly isComplete: boolean
}

export async function observe(asked: Promise<Response>): Promise<Observed> {
  const response = await asked.catch(() => undefined)
  if (response === undefined) return { status: 0, text: '', isComplete: false }
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
    return { status: response.status, text, isComplete: true }
  } catch {
    return { status: response.status, text, isComplete: false }
  }
}

export type Format = 'text' | 'sse' | 'kept' | 'openai'
export const formats: readonly Format[] = ['text', 'sse', 'kept', 'openai']

export const requestOf = (format: Format, content: string) =>
  format === 'openai'
    ? {
        path: '/v1/chat/completions',
        body: { messages: [{ role: 'user', content }], stream: true },
        accept: '*/*',
      }
    : {
        path: '/chat/stream',
        body: { query: content, ...(format === 'kept' && { resumable: true }) },
        accept: format === 'text' ? 'text/plain' : 'text/event-stream',
      }

/** Faults that come before the first token, with the status that they have; and those that leave it well. */
export const early: Readonly<Record<string, number>> = {
  'reset-headers': 502,
  html: 502,
  '401': 502,
  '403': 502,
  '404': 502,
  '400': 400,
  '500': 503,
  '429': 503,
}
export const late = [
  'reset',
  'cut',
  'clean-end',
  'half-event',
  'bad-json',
  'huge-event',
  'error-data',
  'error-event',
  'done-only',
  'stall',
] as const
export const harmless = ['', 'crlf', 'pieces', 'no-done', 'no-usage', 'empty-first'] as const

export const wishes: readonly Wish[] = [
  ...Object.keys(early).map((fault) => ({ fault, retryAfter: '600' })),
  ...late.flatMap((fault) => [
    { fault, at: 0, tokens: 6 },
    { fault, at: 3, tokens: 6 },
  ]),
  ...harmless.map((fault) => ({ fault, tokens: 6 })),
]

/** How many good and bad ends a reply shows; exactly one of them is right. */
export function endsOf(format: Format, { text }: Observed): { good: number; bad: number } {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  const bad = count(/^event: error$/gm)
  const good = format === 'openai' ? count(/^data: \[DONE\]$/gm) : count(/^event: done$/gm)
  return { good, bad }
}

/** What is wrong with how this reply ended, or nothing. */
export function verdict(
  format: Format,
  { fault = '', tokens = 0 }: Wish,
  seen: Observed,
): string | undefined {
  const said = `${format} ${fault}: ${seen.status} ${seen.isComplete} ${seen.text.slice(-200)}`
  if (seen.text.includes('canary')) return `told what the upstream said: ${said}`
  const isWell = (harmless as readonly string[]).includes(fault)
  if (isWell) return wellVerdict(format, seen, tokens, said)
  // A connection that is broken with the first words may take the head with it (on Deno it does): no silence.
  if (format === 'text' && seen.status === 0 && early[fault] === undefined) return undefined
  if (seen.status !== 200)
    return seen.isComplete && seen.status >= 400 ? undefined : `no reply: ${said}`
  if (early[fault] !== undefined) return `a failure before the first token was 200: ${said}`
  if (format === 'text') return seen.isComplete ? `a silent end: ${said}` : undefined
  const { good, bad } = endsOf(format, seen)
  return good === 0 && bad === 1 ? undefined : `${good} good and ${bad} bad ends: ${said}`
}

function wellVerdict(
  format: Format,
  seen: Observed,
  tokens: number,
  said: string,
): string | undefined {
  if (seen.status !== 200 || !seen.isComplete) return `should have gone well: ${said}`
  if (textIn(format, seen.text) !== answerOf(tokens)) return `another text: ${said}`
  if (format === 'text') return undefined
  const { good, bad } = endsOf(format, seen)
  return good === 1 && bad === 0 ? undefined : `${good} good and ${bad} bad ends: ${said}`
}

/** The answer inside a reply. */
export function textIn(format: Format, text: string): string {
  if (format === 'text') return text
  const datas = [...text.matchAll(/^data: (\{.*\})$/gm)].map(
    ([, json]) => JSON.parse(json ?? '') as Chunk,
  )
  return datas.map((data) => data.text ?? data.choices?.[0]?.delta?.content ?? '').join('')
}

interface Chunk {
  readonly text?: string
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[]
}

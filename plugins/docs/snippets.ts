import type { Language } from './highlight.ts'
import type { ApiRequest, Placed } from './openapi.ts'

export interface Snippet {
  readonly title: string
  readonly language: Language
  readonly code: string
}

/** One request, ready to be copied: for a terminal, for JavaScript, and on `/v1` for OpenAI's own client. */
export function snippetsOf(operation: Placed, request: ApiRequest, base: string): Snippet[] {
  const call = callOf(operation, request, base)
  const sdk = openAiOf(operation, request, base)
  return [
    { title: 'curl', language: 'shell', code: curlOf(call) },
    { title: 'fetch', language: 'javascript', code: fetchOf(call) },
    ...(sdk === undefined
      ? []
      : [{ title: 'OpenAI SDK', language: 'javascript' as const, code: sdk }]),
  ]
}

interface Call {
  readonly method: string
  readonly url: string
  readonly needsToken: boolean
  readonly isStream: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

function callOf(operation: Placed, request: ApiRequest, base: string): Call {
  const { method, path, requestBody } = operation
  const { headers = {}, body } = request
  const hasBody = requestBody !== undefined && body !== undefined
  return {
    method,
    url: base + filled(path, request) + queryOf(request),
    needsToken: needsToken(operation),
    isStream: streams(operation),
    headers: { ...(hasBody && { 'Content-Type': 'application/json' }), ...named(headers) },
    body: hasBody ? body : undefined,
  }
}

/** `{}` among the ways to prove who asks: nobody has to. */
export const needsToken = ({ security }: Placed): boolean =>
  security.length > 0 && !security.some((way) => Object.keys(way).length === 0)

export const streams = ({ responses }: Placed): boolean =>
  Object.values(responses).some(({ content = {} }) => 'text/event-stream' in content)

export const filled = (path: string, { params = {} }: ApiRequest): string =>
  path.replaceAll(/\{(\w+)\}/g, (hole, name: string) =>
    name in params ? encodeURIComponent(String(params[name])) : hole,
  )

function queryOf({ query = {} }: ApiRequest): string {
  const text = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()
  return text === '' ? '' : `?${text}`
}

/** `accept` → `Accept`: as people write them. */
const named = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replaceAll(/(^|-)\w/g, (letter) => letter.toUpperCase()),
      value,
    ]),
  )

function curlOf({ method, url, needsToken: isClosed, isStream, headers, body }: Call): string {
  const isPost = method === 'POST' && body !== undefined
  const first = ['curl', isStream ? '-sSN' : '-sS']
  if (method !== 'GET' && !isPost) first.push('-X', method)
  const lines = [
    [...first, shellWord(url)].join(' '),
    ...(isClosed ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${quoted(JSON.stringify(body))}`]),
  ]
  return lines.join(' \\\n  ')
}

/** Nothing ends a single-quoted word of a shell but a quote. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

const shellWord = (text: string): string => (/^[\w:/.@%+=-]+$/.test(text) ? text : quoted(text))

function fetchOf({ method, url, needsToken: isClosed, isStream, headers, body }: Call): string {
  const shown = [
    ...(isClosed ? ['Authorization: `Bearer ${process.env.TOKEN}`'] : []),
    ...Object.entries(headers).map(([name, value]) => `${keyOf(name)}: ${literal(value)}`),
  ]
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(shown.length === 0 ? [] : [`  headers: {\n    ${shown.join(',\n    ')},\n  },`]),
    ...(body === undefined ? [] : [`  body: JSON.stringify(${indented(literal(body), 1)}),`]),
  ]
  const given = options.length === 0 ? '' : `, {\n${options.join('\n')}\n}`
  return `const response = await fetch(${literal(url)}${given})\n${isStream ? reading : 'console.log(response.status, await response.text())'}`
}

const reading = `for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  process.stdout.write(text)
}`

const client = (base: string) => `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: ${literal(`${base}/v1`)}, apiKey: process.env.TOKEN })
`

function openAiOf({ method, path }: Placed, request: ApiRequest, base: string): string | undefined {
  const spelled = `${method} ${path}`
  if (spelled === 'GET /v1/models')
    return `${client(base)}for await (const model of client.models.list()) console.log(model.id)`
  if (spelled === 'GET /v1/models/{id}')
    return `${client(base)}console.log(await client.models.retrieve(${literal(String(request.params?.['id'] ?? 'model'))}))`
  if (spelled !== 'POST /v1/chat/completions') return undefined
  const asked = `await client.chat.completions.create(${literal(request.body ?? {})})`
  const { stream } = (request.body ?? {}) as { readonly stream?: boolean }
  if (stream !== true) {
    return `${client(base)}const completion = ${asked}\nconsole.log(completion.choices[0].message.content)`
  }
  return `${client(base)}const stream = ${asked}
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? '')
}`
}

/** A value as JavaScript writes it. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${escapedIn(value)}'`
  if (typeof value !== 'object' || value === null) return String(value)
  const isList = Array.isArray(value)
  const parts = Object.entries(value).map(([key, item]) =>
    isList ? literal(item) : `${keyOf(key)}: ${literal(item)}`,
  )
  if (parts.length === 0) return isList ? '[]' : '{}'
  const line = isList ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`
  if (line.length <= 60 && !line.includes('\n')) return line
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  return `${open}\n  ${parts.map((part) => indented(part, 1)).join(',\n  ')},\n${close}`
}

const escapedIn = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`)

const keyOf = (key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${escapedIn(key)}'`

const indented = (text: string, levels: number): string =>
  text.replaceAll('\n', `\n${'  '.repeat(levels)}`)

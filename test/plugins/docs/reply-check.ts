import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv'

import type { ApiDocument, Placed } from '../../../plugins/docs/openapi.ts'

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/

/** Holds replies against the document: their status, media type, body and problem code. */
export class ReplyCheck {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #compiled = new Map<string, ValidateFunction>()

  constructor(document: ApiDocument) {
    this.#ajv.addFormat('date-time', dateTime)
    this.#ajv.addFormat('uri', (text: string) => URL.canParse(text))
    this.#ajv.addSchema({ ...document, $id: 'document' })
  }

  /** What is wrong with this reply; nothing when it is as documented. */
  fault(operation: Placed, status: number, type: string, text: string): string | undefined {
    const rule = operation.responses[String(status)]
    if (rule === undefined) return `the status ${status} is not documented: ${text.slice(0, 200)}`
    const media = type.split(';')[0] ?? ''
    if (rule.content === undefined) return text === '' ? undefined : `${status} has a body`
    if (rule.content[media] === undefined) return `${status} comes as ${media}`
    if (media === 'text/event-stream') return eventsFault(text)
    if (!media.endsWith('json')) return undefined
    const body = parsed(text)
    if (body === undefined) return `${status} is no JSON: ${text.slice(0, 200)}`
    return this.#shapeFault(operation, status, media, body) ?? codeFault(operation, status, body)
  }

  /** Whether a body is one that the operation takes. */
  takes({ path, method, requestBody }: Placed, body: unknown): boolean {
    if (requestBody === undefined) return true
    return this.#at([...placeOf(path, method), 'requestBody', ...jsonSchema])(body) === true
  }

  #shapeFault({ path, method }: Placed, status: number, media: string, body: unknown) {
    const at = [...placeOf(path, method), 'responses', String(status), 'content', media, 'schema']
    const validate = this.#at(at)
    return validate(body) === true ? undefined : this.#ajv.errorsText(validate.errors)
  }

  #at(steps: readonly string[]): ValidateFunction {
    const pointer = steps
      .map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1'))
      .map(encodeURIComponent)
      .join('/')
    const validate =
      this.#compiled.get(pointer) ?? this.#ajv.compile({ $ref: `document#/${pointer}` })
    this.#compiled.set(pointer, validate)
    return validate
  }
}

const placeOf = (path: string, method: string) => ['paths', path, method.toLowerCase()]
const jsonSchema = ['content', 'application/json', 'schema']

/** WHATWG HTML §9.2.5: blocks of named fields and comments, each of which ends with an empty line. */
function eventsFault(text: string): string | undefined {
  if (/^event: error$/m.test(text)) return `an error among the events: ${text.slice(-300)}`
  const strange = text.split('\n').find((line) => !/^(?:$|:|(?:event|data|id|retry): )/.test(line))
  if (strange !== undefined) return `no field of an event: ${strange.slice(0, 100)}`
  return text === '' || text.endsWith('\n\n') ? undefined : 'the last event has no end'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Every code that a client sees is one that the operation names. */
function codeFault({ responses }: Placed, status: number, body: unknown): string | undefined {
  if (status < 400) return undefined
  const { code, error } = body as { code?: string; error?: { code?: string } }
  const shown = code ?? error?.code
  const known = Object.values(responses[String(status)]?.content ?? {}).flatMap(
    ({ examples = {} }) => Object.keys(examples),
  )
  if (shown === undefined || known.includes(shown)) return undefined
  return `${status} ${shown} is not documented`
}

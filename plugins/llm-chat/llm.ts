import type { Clock, EventBus, Random } from 'autodocops'

import type { ChatConfig } from './config.ts'
import type { ChatChunk, ChatRequest, LlmClient } from './contract.ts'
import { Calibration, tokensOfQuestion } from './estimate.ts'
import { Gateway } from './gateway.ts'
import { Generation } from './generation.ts'
import type { Models } from './models.ts'

interface Services {
  readonly config: ChatConfig
  readonly models: Models
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
}

/** For other plugins: the same models with the same care, on nobody's account. */
export class ModelClient implements LlmClient {
  readonly #services: Services
  readonly #gateway: Gateway
  readonly #calibration = new Calibration()

  constructor(services: Services) {
    this.#services = services
    const { firstToken, idle, total } = services.config.timeouts
    const deadlines = { firstTokenMs: firstToken, idleMs: idle, totalMs: total }
    this.#gateway = new Gateway(services, deadlines)
  }

  complete = async (request: ChatRequest, signal: AbortSignal) => {
    const { answerBytes } = this.#services.config.limits
    const generation = this.#ask(request, answerBytes)
    for await (const chunk of this.#read(generation, signal)) {
      if (chunk.type === 'end') return { text: generation.text, usage: chunk.usage }
    }
    throw new Error('a stream ended without its end chunk')
  }

  stream = (request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatChunk> =>
    this.#stream(request, signal)

  async *#stream(request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatChunk> {
    yield* this.#read(this.#ask(request), signal)
  }

  async *#read(generation: Generation, signal: AbortSignal): AsyncGenerator<ChatChunk> {
    const cancel = () => generation.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    try {
      for await (const deltas of generation) {
        const text = deltas.map((delta) => delta.text).join('')
        if (text !== '') yield { type: 'text', text }
      }
      yield { type: 'end', reason: generation.finish ?? 'stop', usage: generation.usage }
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  #ask(
    { model, messages, maxOutputTokens, temperature }: ChatRequest,
    keptBytes?: number,
  ): Generation {
    const { models, clock, events, random } = this.#services
    const named = models.find(model)
    const body = { messages, ...(temperature !== undefined && { temperature }) }
    const most = named.maxOutputTokens
    return new Generation({
      account: {
        id: `strm_${random.uuid()}`,
        owner: '',
        headers: {},
        close: async () => undefined,
      },
      named,
      question: { body, maxOutputTokens: Math.min(maxOutputTokens ?? most, most), choices: 1 },
      inputTokens: tokensOfQuestion(body),
      keptBytes,
      gateway: this.#gateway,
      calibration: this.#calibration,
      clock,
      events,
      ended: () => undefined,
    })
  }
}

import { counter, gauge, histogram, open } from 'autodocops'

import { ChatEvents } from './contract.ts'
import type { Provider } from './contract.ts'
import type { Models } from './models.ts'

const providers: readonly Provider[] = ['openai', 'azure', 'fake']
const outcomes = ['ok', 'error', 'timeout', 'rate_limited', 'aborted', 'filtered'] as const

/** The boundaries of OpenTelemetry's GenAI conventions; a model may think for minutes. */
const seconds = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]
const perToken = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]

/** `model` is a name of the config, never what a client wrote. */
const labels = { provider: providers, model: open }

interface Configured {
  readonly models: Pick<Models, 'list'>
}

interface Running {
  readonly chat: { readonly inFlight: () => ReadonlyMap<Provider, number> }
}

const knownModels = ({ models }: Configured) =>
  models
    .list()
    .flatMap(({ name, targets }) =>
      targets.map(({ model: { provider } }) => ({ provider, model: name })),
    )
const knownEnds = (configured: Configured) =>
  knownModels(configured).flatMap((one) => outcomes.map((outcome) => ({ ...one, outcome })))

export const metrics = [
  {
    known: knownEnds,
    ...counter({
      name: 'llm_requests_total',
      help: 'Answers by their end.',
      labels: { ...labels, outcome: outcomes },
      from: ChatEvents,
      on: {
        'llm-chat:request-finished': ({ provider, model, outcome }) => ({
          provider,
          model,
          outcome,
        }),
      },
    }),
  },
  histogram({
    name: 'llm_request_duration_seconds',
    help: 'From the question to the last token.',
    labels,
    buckets: [...seconds, 163.84],
    from: ChatEvents,
    on: {
      'llm-chat:request-finished': ({ provider, model, durationMs }) => [
        { provider, model },
        durationMs / 1_000,
      ],
    },
  }),
  histogram({
    name: 'llm_time_to_first_token_seconds',
    help: 'From the question to the first token.',
    labels,
    buckets: seconds,
    from: ChatEvents,
    on: {
      'llm-chat:first-token-received': ({ provider, model, durationMs }) => [
        { provider, model },
        durationMs / 1_000,
      ],
    },
  }),
  histogram({
    name: 'llm_time_per_output_token_seconds',
    help: 'Between two tokens, on average over an answer.',
    labels,
    buckets: perToken,
    from: ChatEvents,
    on: {
      'llm-chat:request-finished': ({ provider, model, perTokenMs }) =>
        perTokenMs === undefined ? undefined : [{ provider, model }, perTokenMs / 1_000],
    },
  }),
  counter({
    name: 'llm_tokens_total',
    help: 'Tokens, as charged.',
    labels: { ...labels, direction: ['input', 'output'] },
    from: ChatEvents,
    on: {
      'llm-chat:tokens-used': ({ provider, model, direction, tokens }) => [
        { provider, model, direction },
        tokens,
      ],
    },
  }),
  {
    known: knownModels,
    ...counter({
      name: 'llm_cost_usd_total',
      help: 'By the prices of the config.',
      labels,
      from: ChatEvents,
      on: {
        'llm-chat:request-finished': ({ provider, model, costUsd }) => [
          { provider, model },
          costUsd,
        ],
      },
    }),
  },
  counter({
    name: 'llm_retries_total',
    help: 'Asked again before the first token, and why.',
    labels: { provider: providers, reason: ['429', '5xx', 'timeout'] },
    from: ChatEvents,
    on: { 'llm-chat:request-retried': ({ provider, reason }) => ({ provider, reason }) },
  }),
  gauge({
    name: 'llm_streams_in_flight',
    help: 'Streams that are being answered.',
    labels: { provider: providers },
    collect: ({ chat }: Running) => {
      const counts = chat.inFlight()
      return providers.map((provider) => [{ provider }, counts.get(provider) ?? 0] as const)
    },
  }),
]

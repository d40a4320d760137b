import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Chat',
  panels: [
    {
      title: 'Answers by outcome',
      description: '`aborted`: the client left. `rate_limited`: the provider refused us.',
      unit: 'reqps',
      queries: [{ rate: 'llm_requests_total', by: ['provider', 'outcome'] }],
    },
    {
      title: 'Answers that failed',
      description:
        'Share of answers that ended in an error, a time-out or a refusal of the provider.',
      unit: 'percentunit',
      queries: [
        {
          share: { outcome: ['error', 'timeout', 'rate_limited'] },
          of: 'llm_requests_total',
          by: ['provider'],
        },
      ],
    },
    {
      title: 'Time to first token p95',
      description: 'What a reader waits for before anything appears.',
      unit: 's',
      queries: [{ quantile: 0.95, of: 'llm_time_to_first_token_seconds', by: ['model'] }],
    },
    {
      title: 'Time between tokens p50',
      description: 'Over 0.2 s reading is faster than the answer.',
      unit: 's',
      queries: [{ quantile: 0.5, of: 'llm_time_per_output_token_seconds', by: ['model'] }],
    },
    {
      title: 'Answer duration p95',
      description: 'From the question to the last token.',
      unit: 's',
      queries: [{ quantile: 0.95, of: 'llm_request_duration_seconds', by: ['model'] }],
    },
    {
      title: 'Tokens per second',
      description: 'In and out, as charged.',
      unit: 'eps',
      queries: [{ rate: 'llm_tokens_total', by: ['model', 'direction'] }],
    },
    {
      title: 'Cost per hour',
      description: 'By the prices of the config; 0 for models without a price.',
      unit: 'currencyUSD',
      queries: [{ rate: 'llm_cost_usd_total', by: ['model'], per: 'hour' }],
    },
    {
      title: 'Retries',
      description: 'Asked again before the first token, by what went wrong.',
      unit: 'eps',
      queries: [{ rate: 'llm_retries_total', by: ['provider', 'reason'] }],
    },
    {
      title: 'Answers in flight',
      description: 'Answers that are being written now, over all instances.',
      unit: 'short',
      queries: [{ sum: 'llm_streams_in_flight', by: ['provider'] }],
    },
  ],
})

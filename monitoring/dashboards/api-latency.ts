import { coreFamilies } from '../../core/core-metrics.ts'
import { dashboardRow } from '../../core/dashboard.ts'
import type { Board, BoardRow } from './board.ts'
import type { ShownPanel } from './panel.ts'
import { scoped } from './promql.ts'

/** Is it up, is it fast, is it failing: the first row answers, the others say where. */

const count = 'http_request_duration_seconds_count'
const within = (le: string) =>
  `sum(rate(${scoped('http_request_duration_seconds_bucket', le)}[$__rate_interval]))`

/** Prometheus 3 writes le="1.0" for what earlier ones call le="1". */
const apdex: ShownPanel = {
  title: 'Apdex 0.25 s',
  description: '1: everybody was answered within 0.25 s. Replies within 1 s count half.',
  unit: 'short',
  show: 'number',
  queries: [
    {
      expr: `(${within('le="0.25"')} + ${within('le=~"1([.]0)?"')}) / 2 / sum(rate(${scoped(count)}[$__rate_interval]))`,
      legend: 'apdex',
    },
  ],
}

const instances: ShownPanel = {
  title: 'Instances up',
  description: 'Instances that answered the last scrape.',
  unit: 'short',
  show: 'number',
  queries: [{ expr: `count(${scoped('up')} == 1) or vector(0)`, legend: 'up' }],
}

const now = dashboardRow(coreFamilies, {
  title: 'Now',
  panels: [
    {
      title: 'Success rate',
      description: 'Requests that did not end in 5xx. The goal is 99.9 %.',
      unit: 'percentunit',
      show: 'gauge',
      queries: [
        {
          share: { status_code: { like: '[1234]..' } },
          of: 'http_requests_total',
          legend: 'success',
        },
      ],
    },
    {
      title: 'Ready',
      description: '1 while /readyz answers 200 on every instance.',
      unit: 'short',
      show: 'number',
      queries: [{ min: 'app_ready', legend: 'ready' }],
    },
    {
      title: 'Requests in flight',
      description: 'Being answered now, over all instances.',
      unit: 'short',
      show: 'number',
      queries: [{ sum: 'http_requests_in_flight', legend: 'in flight' }],
    },
    {
      title: 'Versions',
      description: 'Instances by version and runtime.',
      unit: 'short',
      show: 'number',
      queries: [{ sum: 'app_build_info', by: ['version', 'runtime', 'runtime_version'] }],
    },
  ],
})

const traffic = dashboardRow(coreFamilies, {
  title: 'Traffic',
  panels: [
    {
      title: 'Request rate by route',
      description: 'Requests per second. Paths of nobody are `__unmatched__`.',
      unit: 'reqps',
      queries: [{ rate: 'http_requests_total', by: ['route'] }],
    },
    {
      title: 'Replies by class',
      description: '5xx is our fault, 4xx the client’s; 499 is a client that left before the end.',
      unit: 'reqps',
      queries: [
        replies('2..', '2xx'),
        replies('3..', '3xx'),
        replies('4([0-8].|9[0-8])', '4xx'),
        replies('5..', '5xx'),
        replies('499', 'client left'),
      ],
    },
    {
      title: 'Routes that fail most',
      description: 'Replies of 5xx per second, the five worst routes.',
      unit: 'reqps',
      show: 'table',
      queries: [
        {
          rate: 'http_requests_total',
          where: { status_code: { like: '5..' } },
          by: ['route', 'status_code'],
          top: true,
        },
      ],
    },
    {
      title: 'Paths of nobody',
      description: 'Requests that no route matched: scanners, or a client of another version.',
      unit: 'reqps',
      queries: [
        {
          rate: 'http_requests_total',
          where: { route: '__unmatched__' },
          orZero: true,
          legend: 'unmatched',
        },
      ],
    },
    {
      title: 'Refused for overload',
      description: 'Answered 503 without being looked at, and why.',
      unit: 'reqps',
      queries: [{ rate: 'http_requests_shed_total', by: ['reason'] }],
    },
  ],
})

function replies(like: string, legend: string) {
  const where = { status_code: { like } }
  return { rate: 'http_requests_total', where, orZero: true, legend } as const
}

const latency = dashboardRow(coreFamilies, {
  title: 'Latency, without streams',
  panels: [
    {
      title: 'Latency p50, p95, p99',
      description: 'From the request to the end of its reply. The alert is at p95 > 0.5 s.',
      unit: 's',
      queries: ([0.5, 0.95, 0.99] as const).map(percentile),
    },
    {
      title: 'p95 by route',
      description: 'Which route is slow.',
      unit: 's',
      queries: [
        { quantile: 0.95, of: 'http_request_duration_seconds', by: ['route'], legend: '{{route}}' },
      ],
    },
    {
      title: 'Latency heat map',
      description: 'Two bands are two kinds of replies: from the cache and from the database, say.',
      unit: 's',
      show: 'heat',
      queries: [{ buckets: 'http_request_duration_seconds', legend: '{{le}}' }],
    },
  ],
})

function percentile(quantile: 0.5 | 0.95 | 0.99) {
  return { quantile, of: 'http_request_duration_seconds' } as const
}

const streams = dashboardRow(coreFamilies, {
  title: 'Streams',
  panels: [
    {
      title: 'Streams in flight',
      description: 'Open streams over all instances, by route.',
      unit: 'short',
      queries: [{ sum: 'http_streams_in_flight', by: ['route'] }],
    },
    {
      title: 'First byte p95',
      description: 'What a reader of a stream waits for.',
      unit: 's',
      queries: [
        {
          quantile: 0.95,
          of: 'http_stream_first_byte_seconds',
          by: ['route'],
          legend: '{{route}}',
        },
      ],
    },
    {
      title: 'Streams by their end',
      description: '`aborted`: the reader left. `error`: it was cut by us or by an upstream.',
      unit: 'ops',
      queries: [{ rate: 'http_stream_duration_seconds', by: ['outcome'] }],
    },
    {
      title: 'Life of streams p95',
      description: 'From their first byte to their end; the last bucket is ten minutes.',
      unit: 's',
      queries: [
        { quantile: 0.95, of: 'http_stream_duration_seconds', by: ['route'], legend: '{{route}}' },
      ],
    },
  ],
})

const first: BoardRow = { ...now, panels: [...now.panels, instances, apdex] }

export const apiLatency: Board = {
  uid: 'autodocops-api-latency',
  title: 'AutoDocOps API Latency Dashboard',
  description: 'Requests, replies and latency of the public listener.',
  rows: [first, traffic, latency, streams],
}

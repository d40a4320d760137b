import type { MetricFamily } from '../../core/metric.ts'

/** What is charted of the metrics that no family of ours declares: prom-client's own. */

const known = <
  K extends MetricFamily['kind'],
  const N extends string,
  const L extends Record<string, readonly string[]> = Record<never, never>,
>(
  kind: K,
  name: N,
  labels: L = {} as L,
): MetricFamily<unknown, K, N, L> => ({ kind, name, help: '', labels, on: {} })

export const runtimeFamilies = [
  known('counter', 'process_cpu_seconds_total'),
  known('gauge', 'process_resident_memory_bytes'),
  known('gauge', 'process_open_fds'),
  known('gauge', 'process_max_fds'),
  known('gauge', 'process_start_time_seconds'),
  known('gauge', 'nodejs_heap_size_used_bytes'),
  known('gauge', 'nodejs_heap_size_total_bytes'),
  known('gauge', 'nodejs_eventloop_lag_p99_seconds'),
  known('histogram', 'nodejs_gc_duration_seconds', { kind: ['minor', 'major', 'incremental'] }),
]

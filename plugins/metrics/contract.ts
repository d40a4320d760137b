import { service } from 'autodocops'

export interface MetricsService {
  /** The Prometheus text format of everything that is counted. */
  readonly render: () => Promise<string>
}

export const Metrics = service('metrics').of<MetricsService>()

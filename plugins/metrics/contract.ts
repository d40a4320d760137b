import { events, service } from 'autodocops'

export interface MetricsService {
  /** The Prometheus text format of everything that is counted. Those who ask at once share one rendering. */
  readonly render: () => Promise<string>
}

export const Metrics = service('metrics').of<MetricsService>()

export const MetricsEvents = events<{
  /** A sample was counted under `__overflow__`, since its metric has too many label sets. */
  'metrics:series-dropped': { readonly metric: string }
}>('metrics')

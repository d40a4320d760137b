import { events } from './events.ts'

/** What the core itself tells: requests, plugins, reloads. The meter's `http_*`, `plugin_*` and `config_*` listen. */
export const CoreEvents = events<{
  /** Once for each request on the public listener that reached the application. */
  'http:request-started': Record<never, never>
  'http:request-finished': {
    readonly method: string
    /** The template (`/api/projects/:id`), or `__unmatched__`. */
    readonly route: string
    /** 499 when the client left before the end of the reply. */
    readonly status: number
    readonly durationMs: number
    /** A streamed reply; its duration is no latency. */
    readonly streamed: boolean
    readonly outcome: 'completed' | 'aborted' | 'error'
  }
  'http:stream-started': { readonly route: string; readonly firstByteMs: number }
  'http:stream-finished': {
    readonly route: string
    readonly outcome: 'completed' | 'aborted' | 'error'
    readonly durationMs: number
  }
  'http:request-shed': { readonly reason: string }
  'plugin:started': { readonly plugin: string; readonly durationMs: number }
  'plugin:failed': {
    readonly plugin: string
    readonly hook: 'start' | 'stop' | 'health' | 'request' | 'job'
  }
  'config:reloaded': { readonly outcome: 'applied' | 'rejected' | 'unchanged' }
}>('core')

import { events } from './events.ts'

/** Why a request was refused without being looked at. */
export const shedReasons = ['in_flight', 'event_loop', 'heap', 'streams'] as const
export type ShedReason = (typeof shedReasons)[number]

/** What a plugin was doing when it failed. */
export const pluginHooks = ['start', 'stop', 'health', 'request', 'job'] as const

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
  'http:request-shed': { readonly reason: ShedReason }
  'plugin:started': { readonly plugin: string; readonly durationMs: number }
  'plugin:failed': {
    readonly plugin: string
    readonly hook: (typeof pluginHooks)[number]
  }
  'config:reloaded': { readonly outcome: 'applied' | 'rejected' | 'unchanged' }
}>('core')

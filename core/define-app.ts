import type { AnyPlugin, AppOptions } from './app-options.ts'
import type { Host } from './host.ts'
import type { Plugin } from './plugin.ts'
import type { HardTokens, ServiceToken, Tokens } from './service.ts'

type RequiredId<P> =
  P extends Plugin<string, infer R, HardTokens>
    ? { [K in keyof R]: R[K] extends ServiceToken<unknown, infer Id, false> ? Id : never }[keyof R]
    : never
type ProvidedId<P> = P extends Plugin<string, Tokens, infer Q> ? Q[keyof Q]['id'] : never
type Missing<Ps extends readonly AnyPlugin[]> = Exclude<
  RequiredId<Ps[number]>,
  ProvidedId<Ps[number]>
>

/** A list that lacks a provider does not compile, and says which. */
type Complete<Ps extends readonly AnyPlugin[]> = [Missing<Ps>] extends [never]
  ? unknown
  : { readonly error: `no plugin provides service '${Missing<Ps>}'` }

export interface App {
  /** Listens and starts the plugins; `host.addresses` tells where, `host.close()` drains and stops. */
  readonly start: () => Promise<Host>
}

/**
 * An application in code, of just these plugins; all are on unless the manifest says otherwise.
 * `const host = await defineApp([database, projects]).start(); … await host.close()`
 */
export const defineApp = <const Ps extends readonly AnyPlugin[]>(
  plugins: Ps & Complete<Ps>,
  options: AppOptions = {},
): App => ({
  // Loaded only now: whoever imports this file for a token or a schema does not load koa.
  start: async () => (await import('./start-app.ts')).startApp(plugins, options),
})

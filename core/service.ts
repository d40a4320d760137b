/** Service tokens: typed names for capabilities. They compare by id, so two copies of a package work together. */

declare const type: unique symbol

export interface ServiceToken<T, Id extends string = string, Optional extends boolean = boolean> {
  readonly id: Id
  readonly optional: Optional
  readonly [type]?: T
}

/** `export const Cache = service('cache').of<CacheService>()` */
export const service = <const Id extends string>(id: Id) => ({
  of: <T>(): ServiceToken<T, Id, false> => Object.freeze({ id, optional: false }),
})

/** The service when somebody provides it, else `undefined`. */
export const optional = <T, Id extends string>(
  token: ServiceToken<T, Id, false>,
): ServiceToken<T, Id, true> => Object.freeze({ id: token.id, optional: true })

/** A service that nobody outside the plugin sees. */
export const own = <T>(): ServiceToken<T, '', false> => Object.freeze({ id: '', optional: false })

/**
 * A class whose one constructor argument is the plugin's services. It becomes a function type, whose
 * argument is checked: a constructor that asks for an undeclared service does not compile.
 */
export const cls =
  <D, T>(constructor: new (services: D) => T) =>
  (services: D): T =>
    new constructor(services)

export type Tokens = Readonly<Record<string, ServiceToken<unknown>>>
export type HardTokens = Readonly<Record<string, ServiceToken<unknown, string, false>>>

export type ServiceOf<Token> =
  Token extends ServiceToken<infer T, string, infer O>
    ? O extends true
      ? T | undefined
      : T
    : never

export type Resolved<R> = { readonly [K in keyof R]: ServiceOf<R[K]> }

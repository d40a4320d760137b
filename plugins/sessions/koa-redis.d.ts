/** koa-redis 4 has no types of its own; these are of the part that we use. */
declare module 'koa-redis' {
  interface KoaRedisClient {
    readonly get: (key: string) => Promise<string | null>
    readonly setex: (key: string, seconds: number, value: string) => Promise<unknown>
    readonly on: (event: string, listener: () => void) => unknown
  }

  interface KoaRedisOptions {
    readonly client: KoaRedisClient
    readonly serialize: (value: string) => string
    readonly unserialize: (text: string) => string
  }

  interface KoaRedisStore {
    readonly get: (key: string) => Promise<string | null | undefined>
    readonly set: (key: string, value: string, ttlMs: number) => Promise<void>
  }

  export default function koaRedis(options: KoaRedisOptions): KoaRedisStore
}

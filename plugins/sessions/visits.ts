import type { IncomingMessage } from 'node:http'

import type { ServerFacts } from 'autodocops'
import type { Context } from 'koa'

import type { SessionCookie, SignedId } from './cookie.ts'
import { isOurPage } from './csrf.ts'
import { E } from './errors.ts'
import type { Visit } from './record.ts'
import type { SessionKeeper } from './service.ts'

interface Deps {
  readonly cookie: SessionCookie
  readonly keeper: SessionKeeper
  readonly server: ServerFacts
}

/** Which session a request came with. It is read once, however many ask. */
export class Visits {
  readonly #cookie: SessionCookie
  readonly #keeper: SessionKeeper
  readonly #origins: readonly string[]
  readonly #known = new WeakMap<IncomingMessage, Promise<Visit | undefined>>()

  constructor({ cookie, keeper, server }: Deps) {
    this.#cookie = cookie
    this.#keeper = keeper
    this.#origins = server.origins
  }

  /** At once when there is no cookie of ours: then no store is asked. */
  of(ctx: Context): Promise<Visit | undefined> | undefined {
    const known = this.#known.get(ctx.req)
    if (known !== undefined) return known
    const signed = this.#cookie.read(ctx)
    if (signed === undefined) return undefined
    const visit = this.#open(ctx, signed)
    this.#known.set(ctx.req, visit)
    return visit
  }

  /** What this request made of it. */
  replace(ctx: Context, visit: Visit | undefined): void {
    this.#known.set(ctx.req, Promise.resolve(visit))
  }

  async #open(ctx: Context, { id, isOld }: SignedId): Promise<Visit | undefined> {
    this.#refuseForeignPages(ctx)
    const found = await this.#keeper.load(id)
    if (found === undefined) return undefined
    const visit = this.#keeper.isDue(found.record) ? await this.#keeper.touch(found) : found
    if (isOld || visit !== found) this.#cookie.write(ctx, id, visit.record.expiresAt)
    return visit
  }

  /** A bearer token is sent by a script of ours, never by a browser on its own. */
  #refuseForeignPages({ method, req: { headers } }: Context): void {
    if (headers.authorization !== undefined) return
    if (!isOurPage({ method, headers }, this.#origins)) throw E.csrf()
  }
}

import type { AnyRequest, Random } from 'autodocops'
import Koa from 'koa'
import type { Context } from 'koa'
import createSession from 'koa-session'
import type { CreateSessionOptions } from 'koa-session'

import type { SessionConfig } from './config.ts'
import type { Session, SessionInfo, SessionService } from './contract.ts'
import type { SessionCookie } from './cookie.ts'
import type { Visit } from './record.ts'
import type { SessionKeeper } from './service.ts'
import { Turn } from './turn.ts'
import type { Content } from './turn.ts'
import type { Visits } from './visits.ts'

interface Deps {
  readonly config: SessionConfig
  readonly cookie: SessionCookie
  readonly visits: Visits
  readonly keeper: SessionKeeper
  readonly random: Random
}

interface StoreOptions {
  readonly ctx: Context
}

/**
 * koa-session for the routes that ask for it, on a Koa of its own that shares the request and the reply: as
 * middleware of the whole server it would read the store for every request with a cookie, and its first mount
 * on an application silently decides for all others.
 */
export class KoaSessions implements SessionService {
  readonly #app = new Koa()
  readonly #mount: ReturnType<typeof createSession>
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
    const { cookie, config, random } = deps
    const options = {
      ...cookie.attributes,
      key: cookie.name,
      maxAge: config.ttl,
      autoCommit: false, // it would save what a handler that throws has left behind
      genid: () => random.bytes(32).toString('base64url'),
      externalKey: {
        get: (ctx: Context) => turnOf(ctx).before?.id,
        set: (ctx: Context) => turnOf(ctx).writeCookie(ctx),
      },
      store: {
        get: async (_id: string, _maxAge: number, { ctx }: StoreOptions) => turnOf(ctx).content(),
        set: (id: string, content: unknown, _maxAge: number, { ctx }: StoreOptions) =>
          turnOf(ctx).save(id, content as Content),
        destroy: (_id: string, { ctx }: StoreOptions) => turnOf(ctx).end(),
      },
    }
    // Its types know neither `partitioned` and `domain` nor a key that is not there.
    this.#mount = createSession(options as unknown as CreateSessionOptions, this.#app)
  }

  async with<T>(request: AnyRequest, use: (session: Session) => T | Promise<T>): Promise<T> {
    const before = await this.#deps.visits.of(request.ctx)
    const { req, res } = request.ctx
    const ctx = this.#app.createContext(req, res)
    ctx.cookies.secure = this.#deps.cookie.attributes.secure
    const turn = new Turn({ ...this.#deps, request, before })
    ctx.state['turn'] = turn
    const cookies = res.getHeader('set-cookie')
    let results: readonly T[] = []
    try {
      await this.#mount(ctx, async () => {
        results = [await turn.run(ctx, use)]
      })
    } catch (error) {
      // A failed save leaves the browser's cookie alone: its session may still be alive.
      if (cookies === undefined) res.removeHeader('set-cookie')
      else res.setHeader('set-cookie', cookies)
      throw error
    }
    return results[0] as T
  }

  async current(request: AnyRequest): Promise<SessionInfo | undefined> {
    const visit = await this.#deps.visits.of(request.ctx)
    return visit === undefined ? undefined : infoOf(visit, visit.handle)
  }

  async list(subject: string, request?: AnyRequest): Promise<readonly SessionInfo[]> {
    const current = request && (await this.#deps.visits.of(request.ctx))
    const visits = await this.#deps.keeper.list(subject)
    return visits.map((visit) => infoOf(visit, current?.handle)).reverse()
  }

  revoke(subject: string, handle: string): Promise<boolean> {
    return this.#deps.keeper.revoke(subject, handle)
  }

  revokeAll(subject: string, except?: string): Promise<number> {
    return this.#deps.keeper.revokeAll(subject, except)
  }
}

const turnOf = (ctx: Context) => ctx.state['turn'] as Turn

function infoOf({ handle, record }: Omit<Visit, 'id'>, current: string | undefined): SessionInfo {
  return {
    handle,
    createdAt: new Date(record.createdAt).toISOString(),
    lastSeenAt: new Date(record.seenAt).toISOString(),
    expiresAt: new Date(record.expiresAt).toISOString(),
    userAgent: record.userAgent,
    current: handle === current,
  }
}

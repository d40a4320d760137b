import type { AnyRequest, Principal } from 'autodocops'
import type { Context } from 'koa'

import { principalOf } from './cookie-authenticator.ts'
import type { Session } from './contract.ts'
import type { SessionCookie } from './cookie.ts'
import type { Visit } from './record.ts'
import type { SessionKeeper } from './service.ts'
import type { Visits } from './visits.ts'

/** What koa-session holds for us. Its own names (`save`, `maxAge`, …) cannot clash with a handler's fields. */
export interface Content {
  subject?: string | null
  scopes?: readonly string[]
  data?: Record<string, unknown>
}

/** The part of koa-session's model that we call. */
interface Model extends Content {
  readonly manuallyCommit: () => Promise<void>
  readonly regenerate: () => Promise<void>
}

interface Deps {
  readonly request: AnyRequest
  readonly before: Visit | undefined
  readonly cookie: SessionCookie
  readonly visits: Visits
  readonly keeper: SessionKeeper
}

/** One `sessions.with`: between koa-session, which decides what to do, and the keeper, which does it. */
export class Turn {
  readonly before: Visit | undefined
  readonly #deps: Deps
  #now: Visit | undefined
  #decision: 'keep' | 'login' | 'logout' = 'keep'

  constructor(deps: Deps) {
    this.#deps = deps
    this.before = deps.before
    this.#now = deps.before
  }

  async run<T>(ctx: Context, use: (session: Session) => T | Promise<T>): Promise<T> {
    const model = ctx['session'] as Model
    const result = await use(this.#sessionOf(model))
    if (this.#decision === 'logout') ctx['session'] = null
    await (this.#decision === 'login' ? model.regenerate() : model.manuallyCommit())
    return result
  }

  content(): Content | undefined {
    if (this.before === undefined) return undefined
    const { subject, scopes, data } = this.before.record
    return { subject, scopes, data: { ...data } }
  }

  async save(id: string, { subject = null, scopes = [], data = {} }: Content): Promise<void> {
    const { keeper, visits, request } = this.#deps
    const isSame = this.before?.id === id
    this.#now =
      isSame && this.before !== undefined
        ? await keeper.save(this.before, data)
        : await keeper.create({ id, subject, scopes, data, ...this.#origin() })
    visits.replace(request.ctx, this.#now)
  }

  /** At a login koa-session ends the old one first; ours falls only when the new one stands. */
  async end(): Promise<void> {
    if (this.#decision === 'login' || this.before === undefined) return
    await this.#deps.keeper.end(this.before, 'logout')
    this.#deps.visits.replace(this.#deps.request.ctx, undefined)
  }

  writeCookie(ctx: Context): void {
    if (this.#now !== undefined)
      this.#deps.cookie.write(ctx, this.#now.id, this.#now.record.expiresAt)
  }

  #origin() {
    const { principal, ctx } = this.#deps.request
    const userAgent = ctx.req.headers['user-agent']?.slice(0, 200) ?? null
    return { userAgent, replaces: this.before, mustLive: principal?.via === 'session' }
  }

  #sessionOf(model: Model): Session {
    return {
      principal: this.before && principalOf(this.before.record),
      get: (field) => (Object.hasOwn(model.data ?? {}, field) ? model.data?.[field] : undefined),
      set: (field, value) => {
        const { [field]: _old, ...rest } = model.data ?? {}
        model.data =
          value === undefined ? rest : Object.fromEntries([...Object.entries(rest), [field, value]])
      },
      login: (principal) => this.#login(model, principal),
      logout: () => {
        this.#decision = 'logout'
      },
    }
  }

  #login(model: Model, { subject, scopes }: Principal): void {
    const known = this.before?.record.subject ?? subject
    if (known !== subject) model.data = {} // what another person kept here is not theirs
    model.subject = subject
    model.scopes = scopes
    this.#decision = 'login'
  }
}

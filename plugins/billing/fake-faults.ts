import type { Middleware } from 'koa'

import type { FakeState } from './fake-state.ts'

export const faultKinds = [
  '429',
  '500',
  'junk-502',
  'wrong-object',
  'hang',
  'reset',
  'stale',
  'missing',
] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  readonly kind: FaultKind
  /** Only for paths that hold this. */
  readonly path?: string | undefined
  times: number
}

/** What goes wrong next. */
export class FakeFaults {
  readonly #queue: Fault[] = []

  add(fault: Fault): void {
    this.#queue.push(fault)
  }

  clear(): void {
    this.#queue.length = 0
  }

  take(path: string): FaultKind | undefined {
    const fault = this.#queue.find((one) => one.times > 0 && path.includes(one.path ?? ''))
    if (!fault) return undefined
    fault.times -= 1
    return fault.kind
  }
}

/** A proxy that says 502 in JSON, a connection that dies, a replica that lags: before the real answer. */
export function faulty(faults: FakeFaults, state: FakeState): Middleware {
  return async (ctx, next) => {
    const kind = ctx.path.startsWith('/v1/') ? faults.take(ctx.path) : undefined
    if (kind === undefined) return next()
    if (kind === 'hang') return new Promise<void>((resolve) => ctx.req.once('close', resolve))
    if (kind === 'reset') {
      ctx.respond = false
      ctx.req.socket.destroy()
      return undefined
    }
    if (kind === 'stale') {
      ctx.body = state.stale(ctx.path.split('/').at(-1) ?? '') ?? {}
      return undefined
    }
    answer(ctx, kind)
    return undefined
  }
}

const said: Readonly<Record<string, { status: number; body: unknown }>> = {
  '429': {
    status: 429,
    body: { error: { type: 'rate_limit_error', code: 'rate_limit', message: 'Too many requests' } },
  },
  '500': { status: 500, body: { error: { type: 'api_error', message: 'Something went wrong' } } },
  'junk-502': { status: 502, body: { message: 'bad gateway' } },
  'wrong-object': { status: 200, body: { id: 'wrong', object: 'list', data: [] } },
  missing: {
    status: 404,
    body: {
      error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such object' },
    },
  },
}

function answer(ctx: Parameters<Middleware>[0], kind: FaultKind): void {
  const { status, body } = said[kind] ?? { status: 500, body: {} }
  ctx.status = status
  if (status === 429) ctx.set('Retry-After', '1')
  ctx.body = body
}

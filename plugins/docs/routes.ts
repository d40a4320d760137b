import { reply } from 'autodocops'
import type { Reply, RouteOf } from 'autodocops'
import * as z from 'zod'

import { assetNames, assetTypes } from './assets.ts'
import type { Assets } from './assets.ts'
import type { DocsConfig } from './config.ts'
import type { Documentation, Tagged } from './service.ts'

interface Services {
  readonly pages: Documentation
  readonly assets: Assets
}

interface Builder {
  readonly route: RouteOf<Services>
  readonly config: DocsConfig
}

/** Nothing but our own files, nobody's frame, and scripts talk to this server only. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

const unchanged = { description: 'It is what `If-None-Match` names' }
const shared = { tags: ['docs'], auth: 'public', timeoutMs: 5_000 } as const

export const routes = ({ route, config }: Builder) => [
  documentRoute(route),
  ...(config.page ? [pageRoute(route), assetRoute(route)] : []),
]

const documentRoute = (route: Builder['route']) =>
  route({
    ...shared,
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document: OpenAPI 3.1 of exactly the enabled routes',
    limit: 'default',
    responses: { 200: z.looseObject({ openapi: z.string() }), 304: unchanged },
    examples: [{ summary: 'The document' }],
    handler: ({ pages }, { ctx }) =>
      validated(pages.json(), ctx.get('if-none-match'), {
        'Content-Type': 'application/json; charset=utf-8',
      }),
  })

const pageRoute = (route: Builder['route']) =>
  route({
    ...shared,
    method: 'GET',
    path: '/docs',
    summary: 'The documentation of this server, as a page',
    limit: 'default',
    responses: {
      200: { description: 'The page', contentType: 'text/html' },
      304: unchanged,
      308: { description: 'The address has no slash at its end' },
    },
    examples: [{ summary: 'The page', headers: { accept: 'text/html' } }],
    handler: ({ pages }, { ctx }) => {
      // Its links are relative: behind a slash they would lead elsewhere.
      if (ctx.path.endsWith('/')) return reply(308, undefined, { Location: '../docs' })
      return validated(pages.page(), ctx.get('if-none-match'), {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': contentSecurityPolicy,
      })
    },
  })

const assetRoute = (route: Builder['route']) =>
  route({
    ...shared,
    method: 'GET',
    path: '/docs/:version/:file',
    summary: 'A style or a script of the page',
    limit: 'none',
    params: z.object({ version: z.string(), file: z.enum(assetNames) }),
    responses: {
      200: { contentType: ['text/css', 'text/javascript', 'image/svg+xml'] },
    },
    hidden: true,
    handler: ({ assets }, { params: { version, file } }) =>
      reply(200, assets.text(file), {
        'Content-Type': assetTypes[file],
        'Cache-Control': version === assets.version ? forGood : 'no-cache',
      }),
  })

const forGood = 'public, max-age=31536000, immutable'

/**
 * Kept by the reader, and asked for again each time: a reload may have changed it. The headers of a 304 replace those
 * that were kept (RFC 9111 §3.2), so it has the same policy.
 */
function validated({ text, etag }: Tagged, known: string, headers: Reply['headers']): Reply {
  const all = { ...headers, ETag: etag, 'Cache-Control': 'no-cache' }
  const isKnown = known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
  return isKnown ? reply(304, undefined, all) : reply(200, text, all)
}

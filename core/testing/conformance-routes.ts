import * as z from 'zod'
import type { suite } from 'uvu'
import * as assert from 'uvu/assert'

import { routesOf } from '../facts.ts'
import { impliedProblems } from '../http/implied-problems.ts'
import type { Plugin } from '../plugin.ts'
import type { ResponseRule, RouteExample, RouteFacts } from '../route.ts'
import type { HardTokens, Tokens } from '../service.ts'
import { testPlugin, type TestPluginOptions } from './test-plugin.ts'
import type { Injected } from './wire.ts'

type Suite = ReturnType<typeof suite>
/** A stream is read to its end. */
const replyMs = 20_000

/** The table, and whether what it says is what is answered. */
export function routeTable<N extends string, R extends Tokens, P extends HardTokens>(
  check: Suite,
  plugin: Plugin<N, R, P>,
  options: TestPluginOptions<R> & { readonly callRoutes?: boolean },
): void {
  const config = () => plugin.config.parse(options.config ?? {}) as unknown
  const of = (listener: RouteFacts['listener']): readonly RouteFacts[] =>
    routesOf(listener === 'public' ? 'routes' : 'operations', plugin, config()).map((route) => ({
      ...route,
      plugin: plugin.name,
      listener,
    }))
  const tables = () => [...of('public'), ...of('operations')]
  check('its route table comes from config alone, and is the same each time', () => {
    assert.equal(tables().map(spelt), tables().map(spelt))
    assert.is(new Set(tables().map(spelt)).size, tables().length)
  })
  check('every route has a summary, a documented success and literal or :name segments', () => {
    for (const route of tables()) {
      assert.ok(route.summary.length > 0, spelt(route))
      const statuses = Object.keys(route.responses)
      assert.ok(
        statuses.some((status) => /^[123]/.test(status)),
        spelt(route),
      )
      assert.match(route.path, /^(\/(:?[A-Za-z0-9_.-]+)?)+$/)
    }
  })
  check('every :name of a path has a schema in params, and nothing else has', () => {
    for (const { path, params } of tables()) {
      const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name).toSorted()
      const { shape = {} } = (params ?? {}) as { readonly shape?: object }
      assert.equal(Object.keys(shape).toSorted(), names, path)
    }
  })
  check('every schema of a route can be shown as JSON Schema', () => {
    for (const route of tables()) {
      const read = [
        route.params,
        route.query,
        route.body && 'schema' in route.body && route.body.schema,
      ]
      for (const schema of read) if (schema) z.toJSONSchema(schema, { io: 'input' })
      const answered = Object.values(route.responses).map((rule) => asRule(rule).schema)
      for (const schema of answered) if (schema) z.toJSONSchema(schema, { io: 'output' })
    }
  })
  check('every example of a route fits its schemas', () => {
    for (const { path, params, query, body, examples = [] } of tables()) {
      for (const example of examples.filter(({ status = 200 }) => status < 400)) {
        if (params !== undefined) assert.ok(params.safeParse(texts(example.params)).success, path)
        if (query !== undefined) assert.ok(query.safeParse(texts(example.query)).success, path)
        if (body !== undefined && 'schema' in body) {
          assert.ok(body.schema.safeParse(example.body).success, path)
        }
      }
    }
  })
  check(
    'its examples are answered as it documents: a status and a body that the route names',
    async () => {
      if (options.callRoutes === false) return
      const tested = await testPlugin(plugin, options)
      try {
        const sent = tables().flatMap((route) =>
          (route.examples ?? [])
            .filter(({ skip }) => skip === undefined)
            .map(async (example) =>
              judge(route, example, await tested.inject(requestOf(route, example))),
            ),
        )
        for (const result of await Promise.allSettled(sent))
          if (result.status === 'rejected') throw result.reason
      } finally {
        await tested.stop()
      }
    },
  )
}

const spelt = ({ method, path, listener }: RouteFacts) => `${listener} ${method} ${path}`

const asRule = (rule: z.ZodType | ResponseRule): ResponseRule =>
  rule instanceof z.ZodType ? { schema: rule } : rule

function requestOf(route: RouteFacts, { params = {}, query, headers, body }: RouteExample) {
  const path = route.path.replace(/:(\w+)/g, (_whole, name: string) =>
    encodeURIComponent(String(params[name])),
  )
  const { auth } = route
  const scopes = typeof auth === 'object' ? [auth.scope] : []
  const search = query === undefined ? '' : `?${new URLSearchParams(texts(query)).toString()}`
  return {
    method: route.method,
    url: `${path}${search}`,
    signal: AbortSignal.timeout(replyMs),
    ...(auth !== 'public' && { as: { subject: 'tester', scopes } }),
    ...(headers && { headers }),
    ...(body !== undefined && { body }),
  }
}

function judge(route: RouteFacts, { summary }: RouteExample, answer: Injected): void {
  const what = `${spelt(route)}, ${summary}: ${answer.status} ${answer.text.slice(0, 200)}`
  const rule = route.responses[answer.status]
  if (rule === undefined) {
    const problems = [...(route.errors ?? []), ...impliedProblems(route)]
    const isNamed = problems.some(
      ({ code, kind }) => kind.status === answer.status && answer.text.includes(`"${code}"`),
    )
    return assert.ok(isNamed && answer.status !== 500, what)
  }
  const { schema } = asRule(rule)
  if (schema === undefined || !/json/.test(String(answer.headers['content-type']))) return
  const { success, error } = schema.safeParse(answer.json())
  assert.ok(success, `${what}: ${error?.message ?? ''}`)
}

const texts = (values: Readonly<Record<string, string | number>> = {}) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))

import type { RouteFacts } from 'autodocops'
import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { openApiDocument } from '../../../plugins/docs/document.ts'
import { html, prose } from '../../../plugins/docs/html.ts'
import docs from '../../../plugins/docs/index.ts'
import type { ApiDocument } from '../../../plugins/docs/openapi.ts'
import { pageOf } from '../../../plugins/docs/page.ts'
import { snippetsOf } from '../../../plugins/docs/snippets.ts'

/** Text of a plugin that would leave wherever it is put. */
const evil = `"'><script>alert(1)</script><img src=x onerror=alert(2)>\`</code>\``

const route: RouteFacts = {
  plugin: 'evil',
  listener: 'public',
  method: 'POST',
  path: '/evil/:id',
  summary: evil,
  description: evil,
  tags: [evil],
  auth: { scope: evil },
  limit: 'default',
  timeoutMs: 1_000,
  params: z.object({ id: z.string().describe(evil) }),
  query: z.object({ [evil]: z.enum([evil]).default(evil).describe(evil) }),
  body: { schema: z.object({ [evil]: z.string().describe(evil) }), maxBytes: 1_024 },
  responses: { 200: { schema: z.object({ [evil]: z.literal(evil) }), description: evil } },
  errors: [{ code: evil, kind: { status: 409, title: evil, hint: evil } }],
  examples: [
    { summary: evil, params: { id: evil }, query: { [evil]: evil }, body: { [evil]: evil } },
    { summary: evil, headers: { accept: evil } },
  ],
}
const options = {
  config: docs.config.parse({ title: evil, description: evil }) as { title: string } & never,
  routes: [route],
  plugins: [{ name: evil, version: evil, summary: evil, state: 'running' as const }],
  schemes: {
    bearer: {
      credential: 'authorization' as const,
      scheme: { type: 'http', scheme: 'bearer', description: evil },
      errors: [],
    },
  },
  publicUrl: 'http://127.0.0.1:8080',
  version: '1.0.0',
}
const document = openApiDocument(options) as unknown as ApiDocument
const page = pageOf(document, 'v')

test('nothing that a plugin says becomes markup', () => {
  assert.ok(page.split('alert(1)').length > 20, 'the text is on the page')
  assert.not.match(page, /<script>|<img|onerror=alert\(2\)>/)
})

test('what is put into a template is escaped, also in an attribute; what a template made is not', () => {
  const made = html`<a title="${`"'<&>`}">${[html`<b>${'<'}</b>`, 1, false, undefined]}</a>`

  assert.is(made.text, '<a title="&quot;&#39;&lt;&amp;&gt;"><b>&lt;</b>1</a>')
  assert.is(prose('a `<b>` c').text, 'a <code>&lt;b&gt;</code> c')
})

test('the page has no inline script, style or handler, and no address of anybody else', () => {
  const plain = pageOf({ ...document, info: { ...document.info, description: '' } }, 'v')

  assert.not.match(plain, /<script(?![^>]*\ssrc=)|<style|\sstyle="|\son\w+="/)
  for (const [, to = ''] of plain.matchAll(/<[a-z][^>]*\s(?:src|href|action)="([^"]*)"/g))
    assert.match(to, /^(?:#|docs\/v\/[\w.-]+$|openapi\.json$)/)
})

test('a quote in an example does not end the word of a shell', () => {
  const [operation] = Object.entries(document.paths).map(([path, methods]) => ({
    ...Object.values(methods)[0],
    method: 'POST',
    path,
  }))
  const request = { summary: '', params: { id: 1 }, body: { name: "it's" } }

  const [curl] = snippetsOf(operation as never, request, 'http://127.0.0.1:1')

  assert.match(curl?.code ?? '', String.raw`-d '{"name":"it'\''s"}'`)
})

test('the page is kept by its reader until it changes, its files for good', async () => {
  const tested = await testPlugin(docs)
  try {
    const first = await tested.inject({ url: '/docs' })
    const etag = String(first.headers['etag'])
    const again = await tested.inject({ url: '/docs', headers: { 'if-none-match': etag } })
    const [, style = ''] = /href="(docs\/[^"]+style\.css)"/.exec(first.text) ?? []
    const kept = await tested.inject({ url: `/${style}` })
    const old = await tested.inject({ url: '/docs/older/style.css' })

    assert.is(first.status, 200)
    assert.match(
      String(first.headers['content-security-policy']),
      /^default-src 'none'; script-src 'self'; /,
    )
    assert.is(again.status, 304)
    const policy = 'content-security-policy'
    assert.is(again.headers[policy], first.headers[policy], 'it replaces the one that was kept')
    assert.match(String(kept.headers['cache-control']), 'immutable')
    assert.match(String(kept.headers['content-type']), /^text\/css/)
    assert.is(old.headers['cache-control'], 'no-cache')
    assert.is((await tested.inject({ url: '/docs/v/index.ts' })).status, 404)
    assert.is((await tested.inject({ url: '/docs/' })).headers['location'], '../docs')
  } finally {
    await tested.stop()
  }
})

test('without the page there is the document alone', async () => {
  const tested = await testPlugin(docs, { config: { page: false } })
  try {
    assert.is((await tested.inject({ url: '/openapi.json' })).status, 200)
    assert.is((await tested.inject({ url: '/docs' })).status, 404)
  } finally {
    await tested.stop()
  }
})

test.run()

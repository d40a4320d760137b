import { highlight } from './highlight.ts'
import type { Language } from './highlight.ts'
import { html } from './html.ts'
import type { Markup } from './html.ts'
import { serverUrl } from './openapi.ts'
import type { ApiDocument, ApiRequest, Placed } from './openapi.ts'
import { snippetsOf } from './snippets.ts'

/** A titled piece of code; the button appears when there is a script to copy with. */
export const codeBlock = (title: string, code: string, language: Language): Markup =>
  html`<figure class="block">
    <figcaption>
      <span>${title}</span><button type="button" data-copy hidden>Copy</button>
    </figcaption>
    <pre class="code" tabindex="0"><code>${highlight(code, language)}</code></pre>
  </figure>`

/** The first example as a request that can be sent as it stands. */
export function requestPanel(document: ApiDocument, operation: Placed): Markup {
  const [first = { summary: operation.summary }] = operation['x-examples']
  return example(document, operation, first, 0)
}

/** The other examples. */
export const furtherRequests = (document: ApiDocument, operation: Placed): Markup =>
  html`${operation['x-examples']
    .slice(1)
    .map((request, index) => example(document, operation, request, index + 1))}`

/** Tabs without a script: radio buttons, which the arrow keys move through. */
function example(document: ApiDocument, operation: Placed, request: ApiRequest, index: number) {
  const snippets = snippetsOf(operation, request, serverUrl(document))
  const group = `${operation.operationId}-${index}`
  const { status = 200 } = request
  const tabs = snippets.map(
    ({ title }, at) =>
      html`<label
        ><input type="radio" name="${group}" value="${title}" ${at === 0 && checked} /><span
          >${title}</span
        ></label
      >`,
  )
  const panels = snippets.map(
    ({ code, language }) =>
      html`<div class="panel">
        <button type="button" data-copy hidden>Copy</button>
        <pre class="code" tabindex="0"><code>${highlight(code, language)}</code></pre>
      </div>`,
  )
  return html`<figure class="block snippets">
    <figcaption>
      <span
        >${request.summary}${status >= 400 && html` <b class="status s${String(status).slice(0, 1)}">${status}</b>`}</span
      >
    </figcaption>
    <fieldset>
      <legend class="visually-hidden">Language of the snippet</legend>
      ${tabs}
    </fieldset>
    ${panels}
  </figure>`
}

const checked = html`checked`

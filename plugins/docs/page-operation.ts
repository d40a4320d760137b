import { html, prose } from './html.ts'
import type { Markup } from './html.ts'
import type { ApiDocument, ApiParameter, Placed } from './openapi.ts'
import { furtherRequests, requestPanel } from './page-request.ts'
import { responseList } from './page-responses.ts'
import { constraintsOf, fieldList, typeText } from './page-schema.ts'
import { needsToken } from './snippets.ts'
import { tryForm } from './page-try.ts'

export const verb = (method: string): Markup =>
  html`<b class="verb ${method.toLowerCase()}">${method === 'DELETE' ? 'DEL' : method}</b>`

/** One operation: a line that opens to what it takes and answers, beside how to send it. */
export function operationCard(document: ApiDocument, operation: Placed): Markup {
  const { operationId, method, path, summary, description } = operation
  return html`<details class="operation">
    <summary>
      <h3 id="${operationId}">
        ${verb(method)}<code class="path">${pathText(path)}</code
        ><span class="what">${summary}</span>
      </h3>
      ${access(operation)}
    </summary>
    <div class="columns">
      <div class="facts">
        ${description !== undefined && html`<p class="about">${prose(description)}</p>`}
        ${parameters(operation)} ${body(document, operation)} ${responseList(document, operation)}
      </div>
      <div class="tools">
        ${requestPanel(document, operation)} ${tryForm(document, operation)}
        ${furtherRequests(document, operation)}
      </div>
    </div>
  </details> `
}

/** The holes of a path are easier to see in colour. */
const pathText = (path: string): Markup =>
  html`${path
    .split(/(\{\w+\})/)
    .map((part) => (part.startsWith('{') ? html`<var>${part}</var>` : html`${part}`))}`

function access(operation: Placed): Markup {
  const { security } = operation
  if (security.length === 0) return html`<span class="access open">public</span>`
  if (!needsToken(operation)) return html`<span class="access open">public or user</span>`
  const [scope] = security.flatMap((way) => Object.values(way).flat())
  return html`<span class="access closed">${scope === undefined ? 'user' : `scope ${scope}`}</span>`
}

function parameters({ parameters: found = [] }: Placed): Markup | undefined {
  if (found.length === 0) return undefined
  return html`<h4>Parameters</h4>
    <ul class="fields">
      ${found.map(parameter)}
    </ul>`
}

const parameter = ({ name, in: place, required, description, schema = {} }: ApiParameter) =>
  html`<li>
    <p class="field">
      <code class="name">${name}</code> <span class="type">${typeText(schema)}</span>
      <span class="place">${place}</span
      >${required === true && html` <span class="required">required</span>`}
      ${constraintsOf(schema)}
    </p>
    ${description !== undefined && html`<p class="says">${prose(description)}</p>`}
  </li> `

function body(document: ApiDocument, { requestBody }: Placed): Markup | undefined {
  if (requestBody === undefined) return undefined
  const [[type, media] = ['application/json', {}]] = Object.entries(requestBody.content)
  const { schema = {} } = media
  return html`<h4>Body <small>${type}${!requestBody.required && ', optional'}</small></h4>
    ${fieldList(document, schema)}`
}

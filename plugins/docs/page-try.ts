import { html } from './html.ts'
import type { Markup } from './html.ts'
import type { ApiDocument, ApiParameter, ApiRequest, Placed } from './openapi.ts'
import { typeText } from './page-schema.ts'
import { sampleOf } from './sample.ts'
import { needsToken } from './snippets.ts'

/** A form that the script of the page sends; without one it stays hidden, for it could do nothing. */
export function tryForm(document: ApiDocument, operation: Placed): Markup {
  const { operationId, method, path, parameters = [] } = operation
  const [first] = operation['x-examples']
  const id = (name: string) => `${operationId}-try-${name}`
  return html`<form
    class="try needs-script"
    hidden
    data-method="${method}"
    data-path="${path}"
    data-token="${needsToken(operation) && 'needed'}"
  >
    <h4>Try it</h4>
    ${exampleChoice(operation, id('example'))}
    ${parameters.map((parameter) => input(parameter, first, id(`${parameter.in}-${parameter.name}`)))}
    ${acceptChoice(operation, first, id('accept'))}
    ${bodyField(document, operation, first, id('body'))}
    <p class="actions">
      <button type="submit">Send</button><button type="button" data-abort disabled>Abort</button
      ><span
        ><span class="outcome" role="status"></span>
        <span class="progress" aria-hidden="true"></span
      ></span>
    </p>
    <div class="reply" hidden>
      <details>
        <summary>Headers</summary>
        <pre data-headers tabindex="0"></pre>
      </details>
      <pre class="code" data-output tabindex="0" aria-label="Reply"></pre>
    </div>
  </form>`
}

/** What each example fills in travels with its option. */
function exampleChoice({ 'x-examples': examples }: Placed, id: string): Markup | undefined {
  if (examples.length < 2) return undefined
  const options = examples.map(
    ({ summary, params, query, headers, body }) =>
      html`<option data-fill="${JSON.stringify({ params, query, headers, body })}">
        ${summary}
      </option>`,
  )
  return html`<p>
    <label for="${id}">Example</label
    ><select id="${id}" name="example">
      ${options}
    </select>
  </p>`
}

function input(
  { name, in: place, required, schema = {} }: ApiParameter,
  example: ApiRequest | undefined,
  id: string,
): Markup {
  const given = place === 'path' ? example?.params : example?.query
  return html`<p>
    <label for="${id}">${name} <small>${place}</small></label
    ><input
      id="${id}"
      name="${place}:${name}"
      value="${given?.[name]}"
      placeholder="${typeText(schema)}"
      autocomplete="off"
      spellcheck="false"
      ${required === true && requiredWord}
    />
  </p>`
}

const requiredWord = html`required`

/** Only where there is a choice. */
function acceptChoice(
  { responses }: Placed,
  example: ApiRequest | undefined,
  id: string,
): Markup | undefined {
  const good = Object.entries(responses).find(([status]) => status.startsWith('2'))
  const types = Object.keys(good?.[1].content ?? {})
  if (types.length < 2) return undefined
  const wanted = example?.headers?.['accept']
  const options = types.map(
    (type) => html`<option ${type === wanted && html`selected`}>${type}</option>`,
  )
  return html`<p>
    <label for="${id}">Accept <small>header</small></label
    ><select id="${id}" name="accept">
      ${options}
    </select>
  </p>`
}

function bodyField(
  document: ApiDocument,
  { requestBody }: Placed,
  example: ApiRequest | undefined,
  id: string,
): Markup | undefined {
  if (requestBody === undefined) return undefined
  const [media] = Object.values(requestBody.content)
  const made = requestBody.required ? sampleOf(document, media?.schema) : undefined
  const value = example === undefined ? made : example.body
  const text = value === undefined ? '' : JSON.stringify(value, null, 2)
  const rows = Math.min(12, Math.max(3, text.split('\n').length))
  return html`<p>
    <label for="${id}">Body <small>JSON</small></label
    ><textarea id="${id}" name="body" rows="${rows}" spellcheck="false" autocapitalize="off">
${text}</textarea>
  </p>`
}

import { highlight } from './highlight.ts'
import { html, prose } from './html.ts'
import type { Markup } from './html.ts'
import { exampleAt } from './openapi.ts'
import type { ApiDocument, ApiExample, ApiResponse, Placed } from './openapi.ts'
import { fieldList, typeText } from './page-schema.ts'
import { sampleOf } from './sample.ts'

/** What it answers: its own replies and problems in full, those of any route in one fold. */
export function responseList(document: ApiDocument, { responses }: Placed): Markup {
  const entries = Object.entries(responses)
  const good = entries.filter(([, response]) => response['x-own'] === undefined)
  const bad = entries.filter(([, response]) => response['x-own'] !== undefined)
  const own = bad.filter(([, response]) => (response['x-own'] ?? []).length > 0)
  return html`<h4>Responses</h4>
    <div class="responses">
      ${good.map(([status, response]) => reply(document, status, response))}
      ${own.map(([status, response]) => ownProblems(document, status, response))}
      <details class="response">
        <summary>What any route may answer</summary>
        ${bad.map(([status, response]) => anyProblems(status, response))}
      </details>
    </div>`
}

const tone = (status: string): Markup =>
  html`<b class="status s${status.slice(0, 1)}">${status}</b>`

function reply(document: ApiDocument, status: string, { description, content = {} }: ApiResponse) {
  const types = Object.keys(content)
  const [first] = Object.values(content)
  const head = html`${tone(status)}
    <span>${prose(description)}</span>
    ${types.length > 0 && html`<small>${types.join(', ')}</small>`}`
  const schema = first?.schema
  if (schema === undefined) return html`<p class="response">${head}</p>`
  const isJson = types[0]?.endsWith('json') ?? false
  return html`<details class="response">
    <summary>${head}</summary>
    ${isJson ? fieldList(document, schema) : html`<p class="says">${typeText(schema)}</p>`}
    ${isJson && sample(document, schema)}
  </details>`
}

function sample(document: ApiDocument, schema: object): Markup | undefined {
  const text = JSON.stringify(sampleOf(document, schema), null, 2)
  if (text === undefined || text === '{}') return undefined
  return html`<p class="caption">Built like this</p>
    <pre class="code" tabindex="0"><code>${highlight(text, 'json')}</code></pre>`
}

/** What the handler throws, in full. */
function ownProblems(document: ApiDocument, status: string, response: ApiResponse): Markup {
  const own = problemsOf(response).filter(([code]) => response['x-own']?.includes(code))
  return html`<div class="response problems">
    ${tone(status)}
    <ul>
      ${own.map(([code, example]) => html`<li>${problemText(document, code, example)}</li>`)}
    </ul>
  </div>`
}

/** The codes alone: what they mean stands at the end of the page. */
function anyProblems(status: string, response: ApiResponse): Markup | undefined {
  const codes = problemsOf(response).flatMap(([code]) =>
    response['x-own']?.includes(code) ? [] : [code],
  )
  if (codes.length === 0) return undefined
  return html`<div class="response problems">
    ${tone(status)}
    <p>${codes.map((code) => html`<a href="#problem-${code}">${code}</a> `)}</p>
  </div>`
}

const problemsOf = ({ content = {} }: ApiResponse): readonly (readonly [string, ApiExample])[] =>
  Object.values(content).flatMap(({ examples = {} }) => Object.entries(examples))

function problemText(document: ApiDocument, code: string, example: ApiExample): Markup {
  const { summary = '', value } = exampleAt(document, example)
  const { hint } = (value ?? {}) as { readonly hint?: string }
  return html`<code>${code}</code>
    ${prose(summary)}${hint !== undefined && html` <i>${prose(hint)}</i>`}`
}

/** Every problem that any of these routes may answer, once. */
export function problemReference(document: ApiDocument): Markup {
  const found = Object.entries(document.components?.examples ?? {})
    .filter(([name]) => !name.includes('.'))
    .toSorted(([a, one], [b, two]) => statusOf(one) - statusOf(two) || (a < b ? -1 : 1))
  return html`<section class="tag" id="problems" aria-labelledby="h-problems">
    <h2 id="h-problems">Problems</h2>
    <p>
      Every error is <code>application/problem+json</code> (RFC 9457) with one of these codes, which
      never change their meaning; <code>/v1</code> says the same in OpenAI’s envelope.
    </p>
    <ul class="reference">
      ${found.map(
        ([code, example]) =>
          html`<li id="problem-${code}">
            ${tone(String(statusOf(example)))}
            <p>${problemText(document, code, example)}</p>
          </li> `,
      )}
    </ul>
  </section>`
}

const statusOf = ({ value }: ApiExample): number => (value as { readonly status: number }).status

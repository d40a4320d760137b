import { html, prose } from './html.ts'
import type { Markup } from './html.ts'
import { serverUrl } from './openapi.ts'
import type { ApiDocument, ApiPlugin, ApiScheme, Placed } from './openapi.ts'
import { codeBlock } from './page-request.ts'
import { needsToken, snippetsOf, streams } from './snippets.ts'

/** A tag may hold anything, an id no space. */
export const idOf = (tag: string): string => `tag-${encodeURIComponent(tag).replaceAll('%', '-')}`

interface Grouped {
  readonly name: string
  readonly operations: readonly Placed[]
}

/** What this server is, what is on, and how to say who asks. */
export function overview(document: ApiDocument, groups: readonly Grouped[]): Markup {
  const { title, description, 'x-plugins': plugins } = document.info
  const count = groups.reduce((sum, { operations }) => sum + operations.length, 0)
  return html`<section class="hero" id="top" aria-labelledby="title">
      <div>
        <h1 id="title">${title} <small>API</small></h1>
        <p class="lead">${prose(description)}</p>
        <p class="base"><span>Base URL</span><code>${serverUrl(document)}</code></p>
        <p class="figures">
          <span><b>${count}</b> operations</span><span><b>${plugins.length}</b> plugins</span>
          <a href="openapi.json"
            >OpenAPI ${document.openapi}<span class="visually-hidden"> document as JSON</span> ↗</a
          >
        </p>
      </div>
      ${firstCalls(document, groups)}
    </section>
    <section class="plugins" aria-labelledby="h-plugins">
      <h2 id="h-plugins">Plugins</h2>
      <p>Switched on by the manifest; this page shows exactly what they serve.</p>
      <ul>
        ${plugins.map((plugin) => pluginCard(plugin, groups))}
      </ul>
    </section>
    ${authentication(document)}
    <noscript
      ><p class="note">
        Everything here can be read without JavaScript. Sending requests from the page needs it; the
        snippets do the same from a terminal.
      </p></noscript
    >`
}

/** One that anybody may send as it stands, and the first stream. */
function firstCalls(document: ApiDocument, groups: readonly Grouped[]): Markup {
  const all = groups.flatMap(({ operations }) => operations)
  const open = all.find(
    (one) => one.method === 'GET' && !needsToken(one) && one.path.includes('{') && isGood(one),
  )
  const found = [open ?? all[0], all.find((one) => streams(one) && one.requestBody !== undefined)]
  return html`<div class="first">${found.map((operation) => firstCall(document, operation))}</div>`
}

const isGood = ({ 'x-examples': [first] }: Placed): boolean =>
  first !== undefined && (first.status ?? 200) < 400

function firstCall(document: ApiDocument, operation: Placed | undefined): Markup | undefined {
  const [request] = operation?.['x-examples'] ?? []
  if (operation === undefined || request === undefined) return undefined
  const [curl] = snippetsOf(operation, request, serverUrl(document))
  return curl && codeBlock(operation.summary, curl.code, curl.language)
}

function pluginCard({ name, version, summary, state }: ApiPlugin, groups: readonly Grouped[]) {
  const own = groups.flatMap(({ name: tag, operations }) => {
    const count = operations.filter((operation) => operation['x-plugin'] === name).length
    return count === 0 ? [] : [{ tag, count }]
  })
  const links = own.map(
    ({ tag, count }) => html`<a href="#${idOf(tag)}">${tag} <i>${count}</i></a> `,
  )
  return html`<li class="${state}">
    <h3>${name} <small>${version}</small></h3>
    <p>${summary}</p>
    <p class="foot"><span class="state">${state}</span>${links}</p>
  </li> `
}

function authentication({ components }: ApiDocument): Markup {
  const schemes = Object.entries(components?.securitySchemes ?? {})
  if (schemes.length === 0) return html``
  return html`<section class="auth" aria-labelledby="h-auth">
    <h2 id="h-auth">Who asks</h2>
    <dl>
      ${schemes.map(
        ([name, scheme]) =>
          html`<div>
            <dt>${name} <code>${headerOf(scheme)}</code></dt>
            <dd>${prose(scheme.description ?? '')}</dd>
          </div>`,
      )}
    </dl>
    <p id="token-note" class="needs-script" hidden>
      The token in the field above is kept in this tab only (<code>sessionStorage</code>) and sent
      to this server only, with the requests that you send from here.
    </p>
  </section>`
}

const headerOf = ({ type, in: place, name }: ApiScheme): string =>
  type === 'http' ? 'Authorization: Bearer …' : `${place ?? ''} ${name ?? ''}`

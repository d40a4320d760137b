import { html } from './html.ts'
import type { Markup } from './html.ts'
import { operationsOf } from './openapi.ts'
import type { ApiDocument, Placed } from './openapi.ts'
import { operationCard, verb } from './page-operation.ts'
import { idOf, overview } from './page-overview.ts'
import { problemReference } from './page-responses.ts'

export interface Group {
  readonly name: string
  readonly description: string
  readonly operations: readonly Placed[]
}

/** The whole page. Its links are relative, so that it also stands behind a proxy that adds a prefix. */
export function pageOf(document: ApiDocument, version: string): string {
  const groups = groupsOf(document)
  const { title, description } = document.info
  const at = (file: string) => `docs/${version}/${file}`
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="description" content="${description}" />
        <title>${title} · API</title>
        <link rel="icon" href="${at('icon.svg')}" />
        <link rel="stylesheet" href="${at('style.css')}" />
        <link rel="stylesheet" href="${at('operation.css')}" />
        <script type="module" src="${at('script.js')}"></script>
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        ${bar(document)}
        <div class="frame">
          ${contents(groups)}
          <main id="content">
            ${overview(document, groups)} ${groups.map((group) => section(document, group))}
            ${problemReference(document)}
            <footer>
              Made from the routes that run right now. Nothing on this page comes from anywhere
              else.
            </footer>
          </main>
        </div>
      </body>
    </html>`.text
}

/** By tag; what has none stands under the name of its plugin. */
export function groupsOf(document: ApiDocument): readonly Group[] {
  const operations = operationsOf(document)
  const tagOf = (operation: Placed) => operation.tags?.[0] ?? operation['x-plugin']
  const described = new Map(document.tags.map(({ name, description }) => [name, description]))
  const names = [...new Set([...described.keys(), ...operations.map(tagOf)])]
  return names
    .map((name) => ({
      name,
      description: described.get(name) ?? '',
      operations: operations.filter((operation) => tagOf(operation) === name),
    }))
    .filter((group) => group.operations.length > 0)
}

const bar = ({ info }: ApiDocument): Markup =>
  html`<header class="bar">
    <a class="brand" href="#top"
      ><svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M4 5.5 12 2l8 3.5v6L12 15l-8-3.5z" />
        <path d="m4 11.5 8 3.5 8-3.5M4 16.5 12 20l8-3.5" />
      </svg>
      <span>${info.title}</span></a
    >
    <span class="version">v${info.version}</span>
    <button class="menu" type="button" popovertarget="contents">Contents</button>
    <form class="token" hidden>
      <label for="token">Bearer token</label>
      <input
        id="token"
        type="password"
        autocomplete="off"
        spellcheck="false"
        placeholder="paste a token"
        aria-describedby="token-note"
      />
      <button type="button" data-reveal aria-pressed="false">Show</button>
    </form>
  </header>`

const contents = (groups: readonly Group[]): Markup =>
  html`<nav id="contents" popover aria-label="Operations">
    <label class="filter" hidden
      ><span>Filter</span><input type="search" id="filter" placeholder="Filter operations"
    /></label>
    <ul class="groups">
      <li><a href="#top">Overview</a></li>
      <li><a href="#problems">Problems</a></li>
    </ul>
    ${groups.map(
      ({ name, operations }) =>
        html`<section data-group>
          <h2><a href="#${idOf(name)}">${name}</a></h2>
          <ul>
            ${operations.map(
              ({ method, path, operationId, summary }) =>
                html`<li data-entry="${`${method} ${path} ${summary}`.toLowerCase()}">
                  <a href="#${operationId}" title="${summary}"
                    >${verb(method)}<span>${path}</span></a
                  >
                </li> `,
            )}
          </ul>
        </section>`,
    )}
  </nav>`

const section = (document: ApiDocument, { name, description, operations }: Group): Markup =>
  html`<section class="tag" id="${idOf(name)}" aria-labelledby="h-${idOf(name)}">
    <h2 id="h-${idOf(name)}">${name}</h2>
    <p>${description}</p>
    ${operations.map((operation) => operationCard(document, operation))}
  </section>`

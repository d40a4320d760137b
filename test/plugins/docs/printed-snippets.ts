/** The code that stands on the page, as a reader copies it. */

export interface Printed {
  /** `curl`, `fetch`, `OpenAI SDK`. */
  readonly title: string
  readonly code: string
}

/** By the operation and the number of its example: `postChat-0`. */
export function printedIn(page: string): ReadonlyMap<string, readonly Printed[]> {
  const figures = [...page.matchAll(/<figure class="block snippets">(.*?)<\/figure>/gs)]
  return new Map(figures.map(([, figure = '']) => [groupOf(figure), snippetsIn(figure)]))
}

/** What stands above all operations. */
export const firstCallsIn = (page: string): readonly string[] =>
  [...page.matchAll(/<figure class="block">(.*?)<\/figure>/gs)]
    .map(([, figure = '']) => codesIn(figure).join(''))
    .filter((code) => code.startsWith('curl'))

const groupOf = (figure: string): string => /name="([^"]+)"/.exec(figure)?.[1] ?? ''

function snippetsIn(figure: string): readonly Printed[] {
  const titles = [...figure.matchAll(/type="radio"[^>]*?value="([^"]+)"/gs)]
  const codes = codesIn(figure)
  return titles.map(([, title = ''], at) => ({ title, code: codes[at] ?? '' }))
}

const codesIn = (figure: string): readonly string[] =>
  [...figure.matchAll(/<pre class="code"[^>]*><code>(.*?)<\/code>/gs)].map(([, markup = '']) =>
    textOf(markup),
  )

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  amp: '&',
}

const textOf = (markup: string): string =>
  markup
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&([^;]+);/g, (whole, name: string) => entities[name] ?? whole)

import { html } from './html.ts'
import type { Markup } from './html.ts'

export type Language = 'json' | 'shell' | 'javascript'

/** The first group that matches names the colour. */
const grammars: Readonly<Record<Language, RegExp>> = {
  json: /(?<key>"(?:\\.|[^"\\])*"(?=\s*:))|(?<string>"(?:\\.|[^"\\])*")|(?<number>-?\b\d[\d.eE+-]*\b|\b(?:true|false|null)\b)/g,
  shell:
    /(?<string>'[^']*'|"(?:\\.|[^"\\])*")|(?<keyword>^(?:curl)\b)|(?<key>(?<=\s)-{1,2}[A-Za-z][\w-]*)/gm,
  javascript:
    /(?<comment>\/\/.*$)|(?<string>'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)|(?<keyword>\b(?:await|const|for|from|import|new|of)\b)|(?<number>\b\d+\b|\b(?:true|false|null)\b)|(?<key>\b[\w$]+(?=:))/gm,
}

/** Code with its parts coloured; every piece of it is escaped. */
export function highlight(code: string, language: Language): Markup {
  const pieces: Markup[] = []
  let end = 0
  for (const match of code.matchAll(grammars[language])) {
    const [kind] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? []
    pieces.push(html`${code.slice(end, match.index)}<span class="${kind}">${match[0]}</span>`)
    end = match.index + match[0].length
  }
  return html`${pieces}${code.slice(end)}`
}

/** HTML that is known to be well-formed: made by `html` and by nothing else. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Markup | string | number | boolean | null | undefined | readonly Value[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? '')

/**
 * Everything that is put in is escaped, except what `html` made; lists are joined; `false`, `null` and `undefined`
 * are nothing. Attributes must stand in double quotes. The indentation of the template is not sent.
 */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Markup =>
  new Markup(
    parts
      .map((part) => part.replaceAll(/\n\s+/g, '\n'))
      .reduce((text, part, index) => text + textOf(values[index - 1]) + part),
  )

function textOf(value: Value): string {
  if (value === undefined || value === null || value === false || value === true) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(textOf).join('')
  return escaped(String(value))
}

/** Text with `code` in back-ticks, as descriptions are written. */
export const prose = (text: string): Markup =>
  html`${text
    .split('`')
    .map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`))}`

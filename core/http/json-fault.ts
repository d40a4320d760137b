type Wants =
  | 'value'
  | 'first item'
  | 'key'
  | 'first key'
  | 'colon'
  | 'after item'
  | 'after member'
  | 'end'

const expected: Readonly<Record<Wants, string>> = {
  value: 'a value',
  'first item': 'a value or "]"',
  key: 'a key in double quotes',
  'first key': 'a key in double quotes or "}"',
  colon: '":"',
  'after item': '"," or "]"',
  'after member': '"," or "}"',
  end: 'nothing more',
}

/**
 * Where a text that JSON.parse refused stops being JSON (RFC 8259), and what is wrong there. Of the text itself
 * no more than one mark of punctuation is told: it may hold a secret, and V8's own messages quote it.
 */
export function jsonFault(text: string): string {
  const { at, missing } = new JsonReader(text).readToFault()
  const column = at - text.lastIndexOf('\n', at - 1)
  return `Line ${lineAt(text, at)}, column ${column}: expected ${missing}, found ${kindOf(text[at])}.`
}

function lineAt(text: string, at: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < at; i = text.indexOf('\n', i + 1)) line += 1
  return line
}

function kindOf(char: string | undefined): string {
  if (char === undefined) return 'the end'
  if ('{}[],:"'.includes(char)) return `'${char}'`
  if (char === "'") return 'a single quote'
  if (char === '\\') return 'a backslash'
  if (char === '\n' || char === '\r') return 'a line break'
  return char < ' ' ? 'a control character' : 'something else'
}

/** Reads token after token, in a loop: depth costs no stack. */
class JsonReader {
  readonly #text: string
  readonly #white = /[ \t\n\r]*/y
  readonly #scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
  readonly #escape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y
  readonly #open: ('{' | '[')[] = []
  #wants: Wants = 'value'
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  readToFault(): { readonly at: number; readonly missing: string } {
    for (;;) {
      this.#take(this.#white)
      const missing = this.#step(this.#text[this.#at])
      if (missing !== undefined) return { at: this.#at, missing }
    }
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    if (!pattern.test(this.#text)) return false
    this.#at = pattern.lastIndex
    return true
  }

  /** What is missing where the text stands; `undefined` when it goes on. */
  #step(char: string | undefined): string | undefined {
    const wants = this.#wants
    if (wants === 'value' || wants === 'first item') {
      if (char === '{' || char === '[') return this.#begin(char)
      if (char === '"') return this.#string() ?? this.#end()
      if (this.#take(this.#scalar)) return this.#end()
    }
    if ((wants === 'key' || wants === 'first key') && char === '"')
      return this.#string() ?? this.#go('colon')
    return this.#mark(char) ? undefined : expected[wants]
  }

  #begin(char: '{' | '['): undefined {
    this.#open.push(char)
    this.#at += 1
    this.#go(char === '{' ? 'first key' : 'first item')
  }

  /** After a value. */
  #end(): undefined {
    const inside = this.#open.at(-1)
    if (inside === undefined) this.#go('end')
    else this.#go(inside === '{' ? 'after member' : 'after item')
  }

  #go(wants: Wants): undefined {
    this.#wants = wants
  }

  #mark(char: string | undefined): boolean {
    const wants = this.#wants
    const inside = this.#open.at(-1)
    const isAfter = wants === 'after item' || wants === 'after member'
    const isClosed = char === (inside === '{' ? '}' : ']')
    if (wants === 'colon' && char === ':') this.#go('value')
    else if (isAfter && char === ',') this.#go(inside === '{' ? 'key' : 'value')
    else if (isClosed && (isAfter || wants === 'first key' || wants === 'first item')) {
      this.#open.pop()
      this.#end()
    } else return false
    this.#at += 1
    return true
  }

  #string(): string | undefined {
    for (this.#at += 1; ; this.#at += 1) {
      const char = this.#text[this.#at]
      if (char === undefined) return 'a closing quote'
      if (char < ' ') return 'an escape such as \\n, or a closing quote'
      if (char === '\\' && !this.#take(this.#escape)) return 'a valid escape'
      // After an escape it stands on the next character already.
      if (char === '\\') this.#at -= 1
      if (char === '"') break
    }
    this.#at += 1
    return undefined
  }
}

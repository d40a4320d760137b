import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

import { root } from '../../harness/root.ts'

const esm = join(root, 'node_modules/stripe/esm')

export type Kind = 'null' | 'string' | 'number' | 'boolean' | 'array' | 'object'

export interface DeclaredField {
  readonly isOptional: boolean
  readonly type: DeclaredType
}

/** What `{` opened in a declaration file. */
interface Room {
  readonly name: string
  readonly fields: Map<string, { isOptional: boolean; text: string }> | undefined
}

/** One of the SDK's declaration files: interfaces and type aliases by their name with its namespaces. */
class DeclarationFile {
  static readonly #known = new Map<string, DeclarationFile>()
  readonly interfaces = new Map<string, NonNullable<Room['fields']>>()
  readonly aliases = new Map<string, string>()
  /** Local name → file and name there. */
  readonly imports = new Map<string, { readonly file: string; readonly name: string }>()

  static at(path: string): DeclarationFile {
    const known = this.#known.get(path) ?? new DeclarationFile(path)
    this.#known.set(path, known)
    return known
  }

  private constructor(path: string) {
    const source = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const rooms: Room[] = []
    const named = (name: string) =>
      [...rooms.map((room) => room.name), name].filter((part) => part !== '').join('.')
    for (const line of source.replaceAll(/\/\*[\s\S]*?\*\//g, '').split('\n')) {
      this.#import(line, path)
      const [, word, name = ''] =
        /^\s*(?:export )?(?:declare )?(namespace|interface) (\w+)/.exec(line) ?? []
      const [, alias, means = ''] = /^\s*(?:export )?type (\w+) = (.*);/.exec(line) ?? []
      const [, field, mark, text = ''] = /^\s*(\w+)(\??): (.*?);?$/.exec(line) ?? []
      const inside = rooms.at(-1)?.fields
      if (alias) this.aliases.set(named(alias), means)
      else if (word === undefined && inside && field)
        inside.set(field, { isOptional: mark === '?', text })
      const fields = word === 'interface' ? new Map<string, never>() : undefined
      if (fields) this.interfaces.set(named(name), this.interfaces.get(named(name)) ?? fields)
      const opened = line.split('{').length - line.split('}').length
      for (let more = 0; more < opened; more += 1)
        rooms.push({ name, fields: this.interfaces.get(word === 'interface' ? named(name) : '') })
      for (let less = 0; less > opened; less -= 1) rooms.pop()
    }
  }

  #import(line: string, path: string): void {
    const [, names = '', from = ''] = /^import \{ (.*) \} from '(.*)\.js'/.exec(line) ?? []
    const file = normalize(join(dirname(path), `${from}.d.ts`))
    for (const one of names.split(', ')) {
      const [name = '', local = name] = one.split(' as ')
      if (from) this.imports.set(local, { file, name })
    }
  }
}

const primitives: Readonly<Record<string, Kind>> = {
  null: 'null',
  string: 'string',
  OtherString: 'string',
  Decimal: 'string',
  number: 'number',
  boolean: 'boolean',
  true: 'boolean',
  false: 'boolean',
}

/** A type as Stripe's SDK declares it: what JSON it may be, and what is in it. */
export class DeclaredType {
  readonly #file: DeclarationFile
  /** The namespaces that it is written in. */
  readonly #scope: readonly string[]
  readonly #parts: readonly string[]

  /** `of('Checkout/Sessions', 'Session')`. */
  static of(file: string, name: string): DeclaredType {
    return new DeclaredType(DeclarationFile.at(join(esm, 'resources', `${file}.d.ts`)), [], name)
  }

  private constructor(file: DeclarationFile, scope: readonly string[], text: string) {
    this.#file = file
    this.#scope = scope
    this.#parts = split(text)
  }

  get kinds(): ReadonlySet<Kind> {
    return new Set(this.#parts.flatMap((part) => this.#kindsOf(part)))
  }

  /** Of the one interface that it may be; `undefined` when its keys are anybody's. */
  get fields(): ReadonlyMap<string, DeclaredField> | undefined {
    for (const part of this.#parts) {
      const { file, name } = this.#find(part)
      const fields = file.interfaces.get(name)
      if (!fields || fields.size === 0) continue
      const scope = name.split('.').slice(0, -1)
      const typed = ([key, { isOptional, text }]: [
        string,
        { isOptional: boolean; text: string },
      ]) => [key, { isOptional, type: new DeclaredType(file, scope, text) }] as const
      return new Map([...fields].map(typed))
    }
    return undefined
  }

  /** Of what an array or a list of Stripe's holds. */
  get element(): DeclaredType | undefined {
    for (const part of this.#parts) {
      const [, inner] = /^(?:Array|ApiList)<(.*)>$/.exec(part) ?? []
      if (inner) return new DeclaredType(this.#file, this.#scope, inner)
    }
    return undefined
  }

  get isList(): boolean {
    return this.#parts.some((part) => part.startsWith('ApiList<'))
  }

  #kindsOf(part: string): readonly Kind[] {
    const primitive = primitives[part]
    if (primitive) return [primitive]
    if (part.startsWith("'")) return ['string']
    if (part.startsWith('Array<')) return ['array']
    if (part === 'void') return []
    const { file, name } = this.#find(part)
    const alias = file.aliases.get(name)
    if (alias === undefined) return ['object']
    return [...new DeclaredType(file, name.split('.').slice(0, -1), alias).kinds]
  }

  /** From the innermost namespace outwards, and then among the imports. */
  #find(part: string): { file: DeclarationFile; name: string } {
    for (let depth = this.#scope.length; depth >= 0; depth -= 1) {
      const name = [...this.#scope.slice(0, depth), part].join('.')
      if (this.#file.interfaces.has(name) || this.#file.aliases.has(name))
        return { file: this.#file, name }
    }
    const [first = '', ...rest] = part.split('.')
    const imported = this.#file.imports.get(first)
    if (!imported) return { file: this.#file, name: '' }
    return { file: DeclarationFile.at(imported.file), name: [imported.name, ...rest].join('.') }
  }
}

/** The alternatives of a union; `Array<string | Discount>` is one. */
function split(text: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const character of text) {
    if ('<({'.includes(character)) depth += 1
    if ('>)}'.includes(character)) depth -= 1
    if (character === '|' && depth === 0) parts.push(part.trim())
    part = character === '|' && depth === 0 ? '' : part + character
  }
  return [...parts, part.trim()].filter((one) => one !== '')
}

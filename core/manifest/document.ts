import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml'

import type { Environment } from './environment.ts'
import type { Fault, FaultCode, Position } from './faults.ts'
import { interpolate, isInterpolated } from './interpolate.ts'
import { pathText, type Entry, type Path, type Tree } from './tree.ts'

/** Aliases of aliases grow without bound; no manifest of a person does. */
const maxNodes = 20_000

/** One YAML file (or JSON, which is YAML) as a tree. */
export class ManifestDocument {
  readonly faults: Fault[] = []
  readonly root: Tree
  readonly #file: string
  readonly #environment: Environment | undefined
  readonly #lines = new LineCounter()
  readonly #document: Document.Parsed
  #nodes = 0

  /** Without an environment interpolations stay as they are written. */
  constructor(file: string, text: string, environment: Environment | undefined) {
    this.#file = file
    this.#environment = environment
    const options = { lineCounter: this.#lines, prettyErrors: false } as const
    this.#document = parseDocument(text.replace(/^\uFEFF/, ''), options)
    const problems = [...this.#document.errors, ...this.#document.warnings]
    const told = new Map(
      problems
        .map((problem) => this.#fault(problem, text))
        .toReversed()
        .map((fault) => [fault.line, fault]),
    )
    // The first of a line: what follows it is mostly its echo.
    this.faults.push(...[...told.values()].toReversed())
    this.root = this.#tree(problems.length > 0 ? null : this.#document.contents, [])
  }

  #fault(problem: YAMLError, text: string): Fault {
    const { line, col } = this.#lines.linePos(problem.pos[0])
    const code: FaultCode = problem.code === 'DUPLICATE_KEY' ? 'E_KEY_DUPLICATE' : 'E_SYNTAX'
    const isBare = /^[^#'"]*\$\{/.test(text.split('\n')[line - 1] ?? '')
    const isOpen = problem.message.startsWith('Flow ')
    const own = isOpen ? undefined : hints[problem.code]
    const hint = isBare ? 'put an interpolation in quotes: "${NAME}"' : own
    const message = isOpen ? unclosed : (messages[problem.code] ?? 'this cannot be read as YAML')
    const base = {
      file: this.#file,
      line,
      col,
      code,
      path: '$',
      message,
      severity: 'error',
    } as const
    return hint === undefined ? base : { ...base, hint }
  }

  #refuse(at: Position, path: Path, message: string): Tree {
    this.faults.push({ ...at, code: 'E_SYNTAX', path: pathText(path), message, severity: 'error' })
    return { kind: 'map', at, entries: new Map() }
  }

  #position(node: Node | null): Position {
    return { file: this.#file, ...this.#lines.linePos(node?.range?.[0] ?? 0) }
  }

  #tree(node: Node | null, path: Path, inside: readonly Node[] = []): Tree {
    const at = this.#position(node)
    this.#nodes += 1
    if (this.#nodes > maxNodes) return this.#tooMany(at, path)
    if (isAlias(node)) {
      const target = node.resolve(this.#document)
      if (target === undefined) return this.#refuse(at, path, 'an alias (*name) without its anchor')
      if (inside.includes(target)) return this.#refuse(at, path, 'an alias that holds itself')
      return this.#tree(target as Node, path, inside)
    }
    if (isMap(node))
      return this.#map(node.items as readonly YamlPair[], at, path, [...inside, node])
    if (isSeq(node)) {
      const items = node.items as readonly (Node | null)[]
      return {
        kind: 'list',
        at,
        items: items.map((item, index) => this.#tree(item, [...path, index], [...inside, node])),
      }
    }
    return this.#leaf(node, at, path)
  }

  #tooMany(at: Position, path: Path): Tree {
    if (this.#nodes > maxNodes + 1) return { kind: 'map', at, entries: new Map() }
    return this.#refuse(at, path, `the manifest has more than ${maxNodes} values`)
  }

  #map(pairs: readonly YamlPair[], at: Position, path: Path, inside: readonly Node[]): Tree {
    const entries = new Map<string, Entry>()
    for (const { key, value } of pairs) {
      const position = this.#position(key)
      if (!isScalar(key)) {
        this.#refuse(position, path, 'a key must be plain text')
        continue
      }
      const name = String(key.value)
      const tree = this.#tree(value, [...path, name], inside)
      // YAML's merge key: what is written beside it wins.
      if (name !== '<<') entries.set(name, { key: position, value: tree })
      else
        for (const [under, entry] of merged(tree))
          if (!entries.has(under)) entries.set(under, entry)
    }
    return { kind: 'map', at, entries }
  }

  #leaf(node: Node | null, at: Position, path: Path): Tree {
    const value = isScalar(node) ? node.value : null
    const leaf = { kind: 'leaf', at, origin: undefined, absent: false, faults: [] } as const
    if (typeof value === 'string' && this.#environment && isInterpolated(value)) {
      const { text, origin, faults } = interpolate(value, this.#environment)
      return { ...leaf, value: text, origin, faults, absent: text === '' && faults.length === 0 }
    }
    if (typeof value === 'bigint') return { ...leaf, value: Number(value) }
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value))
      return { ...leaf, value: value as string | number | boolean | null }
    return this.#refuse(at, path, 'only text, numbers, true, false, lists and maps')
  }
}

interface YamlPair {
  readonly key: Node
  readonly value: Node | null
}

function merged(tree: Tree): readonly (readonly [string, Entry])[] {
  if (tree.kind === 'map') return [...tree.entries]
  return tree.kind === 'list' ? tree.items.flatMap(merged) : []
}

const unclosed = 'a { or a [ is not closed'

/** In our words: the parser's own quote the source, which may be a secret. */
const messages: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'an alias (*name) without its anchor (&name)',
  BAD_DQ_ESCAPE: 'an escape that text in double quotes does not have',
  BAD_INDENT: 'this line is indented wrongly',
  BAD_SCALAR_START: 'text cannot begin with this character here',
  BLOCK_AS_IMPLICIT_KEY: 'two keys on one line, or a value without quotes that holds a colon',
  BLOCK_IN_FLOW: 'a block stands inside of { } or [ ]',
  DUPLICATE_KEY: 'this key stands twice in the same map',
  MISSING_CHAR: 'something is missing here: a quote, a comma, a bracket or a space after a colon',
  MULTILINE_IMPLICIT_KEY: 'a key spans several lines: a colon is missing, or a quote',
  MULTIPLE_DOCS: 'a second document begins here (---); a manifest is one',
  TAB_AS_INDENT: 'a tab is used to indent',
  TAG_RESOLVE_FAILED: 'this tag (!name) is not known',
  UNEXPECTED_TOKEN: 'nothing like this is expected here',
}

const hints: Partial<Record<YAMLError['code'], string>> = {
  BAD_INDENT: 'keys of one map start in the same column',
  BAD_SCALAR_START: 'put the text in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'put the value in quotes',
  DUPLICATE_KEY: 'keep one of them',
  TAB_AS_INDENT: 'use spaces',
}

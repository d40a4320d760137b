import type { Fault, Position } from './faults.ts'

/**
 * A manifest as a tree that remembers where each value stands and where it came from. Overlays merge
 * trees, so that a fault names the file and line that its value was really written in.
 */
export type Tree = Branch | List | Leaf

export interface Branch {
  readonly kind: 'map'
  readonly at: Position
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  readonly key: Position
  readonly value: Tree
}

export interface List {
  readonly kind: 'list'
  readonly at: Position
  readonly items: readonly Tree[]
}

export interface Leaf {
  readonly kind: 'leaf'
  readonly at: Position
  readonly value: string | number | boolean | null
  /** `env STRIPE_API_KEY`; `undefined` for what is written in the file. */
  readonly origin: string | undefined
  /** An interpolation that came out empty: as if the key were not written. */
  readonly absent: boolean
  /** What its interpolation found; told only when somebody asks for this value. */
  readonly faults: readonly LeafFault[]
}

export type LeafFault = Pick<Fault, 'code' | 'message' | 'hint' | 'origin'>
export type Path = readonly (string | number)[]

/** `plugins.billing.config.prices[0]`; the whole of it is `$`. */
export function pathText(path: Path): string {
  const text = path.map((part) => {
    if (typeof part === 'number') return `[${part}]`
    return /^[\w$-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`
  })
  return text.join('').replace(/^\./, '') || '$'
}

/** The reverse of {@link pathText}; also takes `prices.0`. */
export function pathOf(text: string): Path {
  const parts = text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)
  return [...parts].map(([, quoted, index, name = '']) => {
    if (quoted !== undefined) return JSON.parse(`"${quoted}"`) as string
    return index === undefined ? name : Number(index)
  })
}

const isAbsent = (tree: Tree): boolean => tree.kind === 'leaf' && tree.absent
const present = (list: List): readonly Tree[] => list.items.filter((item) => !isAbsent(item))

/** The value as plain data, without what came out empty. */
export function plain(tree: Tree): unknown {
  if (tree.kind === 'leaf') return tree.absent ? undefined : tree.value
  if (tree.kind === 'list') return present(tree).map(plain)
  const kept = [...tree.entries].filter(([, { value }]) => !isAbsent(value))
  return Object.fromEntries(kept.map(([key, { value }]) => [key, plain(value)]))
}

function step(tree: Tree | undefined, part: string | number): Entry | undefined {
  if (tree?.kind === 'map') return tree.entries.get(String(part))
  if (tree?.kind !== 'list') return undefined
  const value = present(tree)[Number(part)]
  return value && { key: value.at, value }
}

export const find = (root: Tree, path: Path): Tree | undefined =>
  path.reduce<Tree | undefined>((tree, part) => step(tree, part)?.value, root)

/** Where the value stands; where it is not, the key of the deepest that is. */
export function positionOf(root: Tree, path: Path): Position {
  let tree: Tree = root
  let at = root.at
  for (const part of path) {
    const entry = step(tree, part)
    if (entry === undefined) return at
    tree = entry.value
    at = entry.key
  }
  return tree.kind === 'leaf' && !tree.absent && tree.value !== null ? tree.at : at
}

export function keyPositionOf(root: Tree, path: Path): Position {
  const key = path.at(-1)
  const parent = find(root, path.slice(0, -1))
  return (key !== undefined && step(parent, key)?.key) || positionOf(root, path)
}

/** Every leaf under a tree, with its path as {@link find} takes it; absent ones are `undefined` in lists. */
export function* leaves(tree: Tree, path: Path = []): Generator<readonly [Path, Leaf]> {
  if (tree.kind === 'leaf') yield [path, tree]
  if (tree.kind === 'map')
    for (const [key, { value }] of tree.entries) yield* leaves(value, [...path, key])
  if (tree.kind !== 'list') return
  let index = 0
  for (const item of tree.items) {
    yield* leaves(item, [...path, index])
    if (!isAbsent(item)) index += 1
  }
}

/** Maps merge, scalars and lists replace, `null` deletes, what came out empty is as if not written. */
export function overlay(base: Tree, over: Tree): Tree {
  if (base.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map(base.entries)
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)
    if (entry.value.kind === 'leaf' && entry.value.value === null && !entry.value.absent)
      entries.delete(key)
    else if (below === undefined) entries.set(key, entry)
    else if (!isAbsent(entry.value))
      entries.set(key, { key: entry.key, value: overlay(below.value, entry.value) })
  }
  return { ...base, entries }
}

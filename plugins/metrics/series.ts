import type { Labels } from 'autodocops'

export type LabelSet = Readonly<Record<string, string>>

/** What a label becomes when its metric has as many label sets as it may. */
export const overflow = '__overflow__'

/** A step on the way to a label set: one level for each label, then the cell. */
interface Branch<Cell> {
  readonly next: Map<string, Branch<Cell>>
  cell: Cell | undefined
}

/**
 * The cells of one metric, one for each label set and bounded in number: whatever a stranger sends, a
 * scrape stays small. Every request comes through `find`, so it makes no key and no object.
 */
export class Series<Cell> {
  readonly #labels: Labels
  readonly #names: readonly string[]
  readonly #max: number
  readonly #create: (labels: LabelSet) => Cell
  readonly #root: Branch<Cell> = { next: new Map(), cell: undefined }
  readonly #cells: Cell[] = []
  #own = 0

  constructor(labels: Labels, max: number, create: (labels: LabelSet) => Cell) {
    this.#labels = labels
    this.#names = Object.keys(labels)
    this.#max = max
    this.#create = create
  }

  /** All cells, in the order in which they appeared. */
  get cells(): readonly Cell[] {
    return this.#cells
  }

  find(labels: LabelSet): Cell | undefined {
    let branch: Branch<Cell> | undefined = this.#root
    for (const name of this.#names) branch = branch?.next.get(valueOf(labels, name))
    return branch?.cell
  }

  /** The cell of a label set that has none yet: its own, or the overflow's when there is no room. */
  add(labels: LabelSet): { readonly cell: Cell; readonly isDropped: boolean } {
    if (this.#own >= this.#max) return { cell: this.#overflow(labels), isDropped: true }
    this.#own += 1
    return { cell: this.#grow(labels), isDropped: false }
  }

  /** Closed labels keep their value: there are few. */
  #overflow(labels: LabelSet): Cell {
    const kept = (name: string) => this.#labels[name]?.includes(valueOf(labels, name)) === true
    const set = Object.fromEntries(
      this.#names.map((name) => [name, kept(name) ? valueOf(labels, name) : overflow]),
    )
    return this.find(set) ?? this.#grow(set)
  }

  #grow(labels: LabelSet): Cell {
    const own = Object.fromEntries(this.#names.map((name) => [name, valueOf(labels, name)]))
    const cell = this.#create(own)
    this.#cells.push(cell)
    let branch = this.#root
    for (const value of Object.values(own)) {
      const next: Branch<Cell> = branch.next.get(value) ?? { next: new Map(), cell: undefined }
      branch.next.set(value, next)
      branch = next
    }
    branch.cell = cell
    return cell
  }
}

/** As text: a plugin without types may give a number, and 200 is the label set of '200'. */
const valueOf = (labels: LabelSet, name: string): string => String(labels[name] ?? '')

/** Every combination of closed labels; none when one of them is open, since its values are not known. */
export function closedSets(labels: Labels): readonly LabelSet[] {
  const names = Object.entries(labels)
  if (names.some(([, values]) => values.length === 0)) return []
  return names.reduce<readonly LabelSet[]>(
    (sets, [name, values]) =>
      sets.flatMap((set) => values.map((value) => ({ ...set, [name]: value }))),
    [{}],
  )
}

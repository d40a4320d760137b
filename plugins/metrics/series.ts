import type { Labels } from 'autodocops'

export type LabelSet = Readonly<Record<string, string>>

/** What a label becomes when its metric has as many label sets as it may. */
export const overflow = '__overflow__'

/**
 * The label sets of one metric, each known once and bounded in number: whatever a stranger sends, a
 * scrape stays small.
 */
export class Series {
  readonly #names: readonly string[]
  readonly #open: readonly string[]
  readonly #max: number
  readonly #known = new Map<string, LabelSet>()

  constructor(labels: Labels, max: number) {
    this.#names = Object.keys(labels)
    this.#open = this.#names.filter((name) => labels[name]?.length === 0)
    this.#max = max
  }

  /** The label set to count under: its own, or the overflow's. */
  place(labels: LabelSet): { readonly labels: LabelSet; readonly isDropped: boolean } {
    const key = this.#names.map((name) => labels[name] ?? '').join('\u0000')
    const known = this.#known.get(key)
    if (known !== undefined) return { labels: known, isDropped: false }
    if (this.#known.size >= this.#max) return { labels: this.#overflow(labels), isDropped: true }
    const own = Object.fromEntries(this.#names.map((name) => [name, labels[name] ?? '']))
    this.#known.set(key, own)
    return { labels: own, isDropped: false }
  }

  #overflow(labels: LabelSet): LabelSet {
    return Object.fromEntries(
      this.#names.map((name) => [
        name,
        this.#open.includes(name) ? overflow : (labels[name] ?? ''),
      ]),
    )
  }
}

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

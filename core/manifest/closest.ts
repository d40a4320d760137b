/** The likeliest meaning of a misspelt name: at most two slips, or a third of its length. */
export function closest(name: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.min(3, Math.max(1, Math.floor(name.length / 2)))
  const near = [...candidates]
    .map((candidate) => ({
      candidate,
      slips: distance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter(({ slips }) => slips <= limit)
  return near.toSorted((a, b) => a.slips - b.slips)[0]?.candidate
}

export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const match = closest(name, candidates)
  return match === undefined ? undefined : `did you mean '${match}'?`
}

/** Levenshtein, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j += 1) {
      const [above = 0, diagonal = 0, before = 0] = [row[j + 1], row[j], next[j]]
      next.push(Math.min(above + 1, before + 1, diagonal + (a[i] === b[j] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}

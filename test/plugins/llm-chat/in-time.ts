/** No wait of these tests is longer, also on a slow machine. */
export const patienceMs = 60_000

/** As what is awaited; rejects with its name when it does not come. */
export function inTime<T>(what: string, awaited: Promise<T>, ms = patienceMs): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${what}: not within ${ms} ms`))
    const timer = setTimeout(late, ms)
    void awaited.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

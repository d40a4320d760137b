/** One change at a time. Those who ask while another waits for its turn share its result. */
export class ReloadQueue<T> {
  #tail: Promise<unknown> = Promise.resolve()
  readonly #waiting = new Map<string, Promise<T>>()

  run(change: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(change)
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** Joins the one with this key that has not begun yet; it will read the newest manifest. */
  coalesce(key: string, change: () => Promise<T>): Promise<T> {
    const known = this.#waiting.get(key)
    if (known !== undefined) return known
    const result = this.run(() => {
      this.#waiting.delete(key)
      return change()
    })
    this.#waiting.set(key, result)
    return result
  }

  async settled(): Promise<void> {
    await this.#tail
  }
}

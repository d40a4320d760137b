/**
 * Cuts what a client of the Postgres protocol sends into what must run in one go.
 * Postgres documentation, chapter "Message Formats": every message is a type byte and a length that counts
 * itself; the first one of a connection has no type byte.
 */
export type Frame =
  | { readonly kind: 'tls' | 'cancel' | 'backup' | 'end' }
  | { readonly kind: 'run'; readonly bytes: Buffer }

/** Asks our server for a copy of the folder; in the place where a client would ask for TLS. */
export const backupRequest = 80_871_020
const firstMessages = new Map<number, 'tls' | 'cancel' | 'backup'>([
  [80_877_103, 'tls'],
  [80_877_102, 'cancel'],
  [backupRequest, 'backup'],
])

const query = 'Q'.charCodeAt(0)
const sync = 'S'.charCodeAt(0)
const terminate = 'X'.charCodeAt(0)
const longest = 64 * 1_048_576

export class Frames {
  #pending: Buffer = Buffer.alloc(0)
  #scanned = 0
  #isOpen = false

  push(chunk: Buffer): readonly Frame[] {
    this.#pending = Buffer.concat([this.#pending, chunk])
    const frames: Frame[] = []
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Frame | undefined {
    return this.#isOpen ? this.#batch() : this.#first()
  }

  #first(): Frame | undefined {
    if (this.#pending.length < 8) return undefined
    const kind = firstMessages.get(this.#pending.readInt32BE(4))
    const length = this.#lengthAt(0)
    if (this.#pending.length < length) return undefined
    if (kind !== undefined) return this.#take(length, { kind })
    this.#isOpen = true
    return { kind: 'run', bytes: this.#cut(length) }
  }

  /** All messages up to the one that ends a round: a simple query, or the Sync of an extended one. */
  #batch(): Frame | undefined {
    while (this.#pending.length >= this.#scanned + 5) {
      const type = this.#pending[this.#scanned]
      const end = this.#scanned + 1 + this.#lengthAt(this.#scanned + 1)
      if (this.#pending.length < end) return undefined
      if (type === terminate) return this.#take(end, { kind: 'end' })
      if (type === query || type === sync) return { kind: 'run', bytes: this.#cut(end) }
      this.#scanned = end
    }
    return undefined
  }

  #lengthAt(offset: number): number {
    const length = this.#pending.readInt32BE(offset)
    if (length < 4 || length > longest) throw new Error(`a message of ${String(length)} bytes`)
    return length
  }

  #take(length: number, frame: Frame): Frame {
    this.#cut(length)
    return frame
  }

  #cut(length: number): Buffer {
    const head = this.#pending.subarray(0, length)
    this.#pending = this.#pending.subarray(length)
    this.#scanned = 0
    return head
  }
}

import { write, writeSync } from 'node:fs'

/** Bytes that wait for an output that takes none; lines beyond them are dropped, and counted. */
const maxWaiting = 8 * 1024 * 1024
/** Between two tries of an output that takes nothing. */
const pauseMs = 250
/** At exit, for a reader that is slow. */
const triesAtExit = 8
const hint = 'free space on its disk, or start the server with another output'

/**
 * Standard output, asynchronously: lines that come while some are written go out together, and the rest at
 * exit. An output that takes nothing (a full disk, a reader that left) is told once on standard error and
 * tried again; it ends neither the server nor its end. Not by pino's destination: there a full disk is an
 * exception that nobody catches, and its flush at exit tries for ever, so that the process stays.
 */
export function standardOutput(): LogOutput {
  return new LogOutput(1)
}

export class LogOutput {
  readonly #fd: number
  #lines: string[] = []
  #bytes = 0
  /** Being written; a part of it may be out. */
  #current = Buffer.alloc(0)
  #isWriting = false
  #isListening = false
  #isDown = false
  #lost = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  write(line: string): void {
    if (!this.#isListening) process.once('exit', () => this.#flush())
    this.#isListening = true
    if (this.#bytes + line.length > maxWaiting) {
      this.#lost += 1
      return
    }
    this.#lines.push(line)
    this.#bytes += line.length
    if (!this.#isWriting) this.#writeOn()
  }

  #writeOn(): void {
    this.#isWriting = this.#takeWaiting()
    if (!this.#isWriting) return
    write(this.#fd, this.#current, (error, written) => {
      if (error !== null) {
        this.#failed(error)
        // It does not keep alive a process that has nothing else to do.
        setTimeout(() => this.#writeOn(), pauseMs).unref()
        return
      }
      this.#current = this.#current.subarray(written)
      if (this.#isDown && this.#current.length === 0) this.#regained()
      this.#writeOn()
    })
  }

  /** False: nothing waits. */
  #takeWaiting(): boolean {
    if (this.#current.length > 0) return true
    this.#current = Buffer.from(this.#lines.join(''))
    this.#lines = []
    this.#bytes = 0
    return this.#current.length > 0
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (error.code === 'EAGAIN' || this.#isDown) return // a slow reader is no outage
    this.#isDown = true
    try {
      const told = `the log cannot be written: ${error.message}; the server goes on`
      writeSync(2, `${told}\n    hint: ${hint}\n`)
    } catch {
      // Standard error takes nothing either: nobody is left to be told.
    }
  }

  #regained(): void {
    const [time, lost] = [new Date().toISOString(), this.#lost]
    this.#lines.push(
      `${JSON.stringify({ level: 'warn', time, lost, msg: 'the log can be written again' })}\n`,
    )
    this.#isDown = false
    this.#lost = 0
  }

  /** What is being written is left to its thread. */
  #flush(): void {
    if (this.#isWriting && !this.#isDown) this.#current = Buffer.alloc(0)
    for (let tries = 0; tries < triesAtExit && this.#takeWaiting();) {
      try {
        this.#current = this.#current.subarray(writeSync(this.#fd, this.#current))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
        tries += 1
      }
    }
  }
}

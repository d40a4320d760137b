/** Contenders, and what is asked of them. CPU is the server's own: the machine's other load hardly moves it. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { Agent, request } from 'undici'

export interface Wish {
  readonly tokens: number
  readonly delayMs?: number
}

/**
 * How far V8's young generation may grow, as Node 20 has it. Later ones let it grow to four times that, each when
 * it likes: 100 MB that come and go with luck would be all that is seen of a thousand streams.
 */
export const youngGeneration = '--max-semi-space-size=16'

export async function child(
  file: string,
  args: readonly string[] = [],
): Promise<[ChildProcess, string]> {
  const program = fileURLToPath(new URL(file, import.meta.url))
  const forked = fork(program, args, {
    execArgv: ['--conditions=source', youngGeneration],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const died = once(forked, 'exit').then(() => Promise.reject(new Error(`${args[0]} died`)))
  const [{ port }] = (await Promise.race([once(forked, 'message'), died])) as [{ port: number }]
  died.catch(() => undefined)
  return [forked, `http://127.0.0.1:${port}`]
}

export async function tell<T>(forked: ChildProcess, asked: string): Promise<T> {
  const told = once(forked, 'message')
  forked.send(asked)
  return ((await told) as [T])[0]
}

interface Usage {
  readonly micros: number
  readonly rss: number
}

export class Contender {
  readonly name: string
  readonly #forked: ChildProcess
  readonly #url: string
  readonly #isText: boolean
  readonly #agent = new Agent({ connections: null, pipelining: 1 })

  readonly #headers: Readonly<Record<string, string>>

  constructor(
    name: string,
    forked: ChildProcess,
    url: string,
    isText: boolean,
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.#headers = headers
    this.name = name
    this.#forked = forked
    this.#url = url
    this.#isText = isText
  }

  /** The body of a reply, whose first bytes are the first token's. */
  async ask(wish: Wish, signal?: AbortSignal) {
    const content = JSON.stringify(wish)
    const question = this.#isText
      ? { query: content }
      : { model: 'm', stream: true, messages: [{ role: 'user', content }] }
    const { statusCode, body } = await request(
      `${this.#url}${this.#isText ? '/chat/stream' : '/v1/chat/completions'}`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: 'Bearer bench',
          ...this.#headers,
        },
        body: JSON.stringify(question),
        dispatcher: this.#agent,
        ...(signal && { signal }),
      },
    )
    if (statusCode !== 200) throw new Error(`${this.name}: ${statusCode} ${await body.text()}`)
    body.on('error', () => undefined)
    return body
  }

  /** Milliseconds to the first bytes of the answer. */
  async firstTokenMs(): Promise<number> {
    const begun = performance.now()
    const body = await this.ask({ tokens: 5 })
    await once(body, 'readable')
    const took = performance.now() - begun
    await body.dump()
    return took
  }

  /** Microseconds of CPU for each chunk. */
  async microsPerChunk(streams: number, wish: Wish): Promise<number> {
    const before = await this.#usage()
    await Promise.all(
      Array.from({ length: streams }, async () => {
        const body = await this.ask(wish)
        for await (const _ of body) void _
      }),
    )
    const after = await this.#usage()
    return (after.micros - before.micros) / (streams * wish.tokens)
  }

  async rss(): Promise<number> {
    return (await this.#usage()).rss
  }

  stop(): void {
    void this.#agent.destroy()
    // A program of somebody else has no channel.
    if (this.#forked.connected) this.#forked.disconnect()
    this.#forked.kill()
  }

  /** From the system, since a program of somebody else tells us nothing. */
  async #usage(): Promise<Usage> {
    const folder = `/proc/${this.#forked.pid ?? 0}`
    const [stat, memory] = await Promise.all(
      ['stat', 'statm'].map((file) => readFile(`${folder}/${file}`, 'utf8')),
    )
    // After the name, which may hold anything: fields 14 and 15 of proc(5), in hundredths of a second.
    const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ')
    const micros = (Number(fields[11]) + Number(fields[12])) * 10_000
    return { micros, rss: Number(memory?.split(' ')[1]) * 4_096 }
  }
}

export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[
    Math.min(values.length - 1, Math.floor(values.length * share))
  ] ?? Number.NaN

export const median = (values: readonly number[]): number => quantile(values, 0.5)

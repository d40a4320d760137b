/** Contenders, and what is asked of them. CPU is the server's own: the machine's other load hardly moves it. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { Agent, request } from 'undici'

export interface Wish {
  readonly tokens: number
  readonly delayMs?: number
}

export async function child(
  file: string,
  ...args: readonly string[]
): Promise<[ChildProcess, string]> {
  const program = fileURLToPath(new URL(file, import.meta.url))
  const forked = fork(program, args, { execArgv: ['--conditions=source', '--expose-gc'] })
  const [{ port }] = (await once(forked, 'message')) as [{ port: number }]
  return [forked, `http://127.0.0.1:${port}`]
}

export async function tell<T>(forked: ChildProcess, asked: string): Promise<T> {
  const told = once(forked, 'message')
  forked.send(asked)
  return ((await told) as [T])[0]
}

interface Usage {
  readonly user: number
  readonly system: number
  readonly rss: number
}

export class Contender {
  readonly name: string
  readonly #forked: ChildProcess
  readonly #url: string
  readonly #isText: boolean
  readonly #agent = new Agent({ connections: null, pipelining: 1 })

  constructor(name: string, forked: ChildProcess, url: string, isText: boolean) {
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
        headers: { 'content-type': 'application/json', authorization: 'Bearer bench' },
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
    return (after.user + after.system - before.user - before.system) / (streams * wish.tokens)
  }

  async rss(): Promise<number> {
    return (await this.#usage('gc')).rss
  }

  stop(): void {
    void this.#agent.destroy()
    this.#forked.disconnect()
  }

  #usage(asked = 'cpu'): Promise<Usage> {
    return tell<Usage>(this.#forked, asked)
  }
}

export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[
    Math.min(values.length - 1, Math.floor(values.length * share))
  ] ?? Number.NaN

export const median = (values: readonly number[]): number => quantile(values, 0.5)

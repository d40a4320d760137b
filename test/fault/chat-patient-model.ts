import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { atEnd } from '../harness/ending.ts'

const pauseMs = 200
const short = 'One word, please.'

export const questions = { short, long: 'Go on until I stop you.' } as const

export const wordsOf = (count: number): string =>
  Array.from({ length: count }, (_, index) => ` word${index}`).join('')

/** A server of OpenAI's protocol whose long answers go on, word by word, until they are let go. */
export class PatientModel {
  readonly #server = http.createServer((request, response) => void this.#answer(request, response))
  #isLetGo = false

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#server.unref()
    atEnd(async () => this.#server.closeAllConnections())
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  letGo(): void {
    this.#isLetGo = true
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let asked = ''
    for await (const chunk of request) asked += String(chunk)
    const isShort = asked.includes(short)
    const send = (body: object) => response.write(`data: ${JSON.stringify(body)}\n\n`)
    let count = 0
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    do {
      if (count > 0) await sleep(pauseMs)
      send({ choices: [{ index: 0, delta: { content: ` word${count}` }, finish_reason: null }] })
      count += 1
    } while (!isShort && !this.#isLetGo && !response.destroyed)
    send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    send({ choices: [], usage: { prompt_tokens: 7, completion_tokens: count } })
    response.end('data: [DONE]\n\n')
  }
}

/** Readers and writers of projects over HTTP, on every instance, with the last acknowledged write of each project. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

interface Owned {
  readonly id: number
  acknowledged: string
}
export interface Counted {
  readonly reads: number
  readonly writes: number
  readonly longestMs: number
}

const patience = 10_000

export class HttpLoad {
  /** What was neither 200 nor, for a creation, 201: a status, or why there was no reply. */
  readonly unexpected: string[] = []
  readonly cacheStates = new Set<string>()
  readonly #urls: readonly string[]
  readonly #headers: Readonly<Record<string, string>>
  readonly #projects: Owned[] = []
  readonly #loops: Promise<void>[] = []
  #isOn = false
  #isHalfResting = false
  #version = 0
  #counted = { reads: 0, writes: 0, longestMs: 0 }

  constructor(urls: readonly string[], token: string) {
    this.#urls = urls
    this.#headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  }

  post = (path: string, body: object): Promise<Response> =>
    this.#send(`${this.#urls[0]}${path}`, 'POST', body)

  async createProjects(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const description = `version ${this.#version++}`
      const name = `project ${randomUUID()}`
      const response = await this.post('/api/projects', { name, description, visibility: 'public' })
      if (response.status !== 201) throw new Error(await response.text())
      const { id } = (await response.json()) as { id: number }
      this.#projects.push({ id, acknowledged: description })
    }
  }

  /** Four readers an instance, and one writer a project that changes instances as a balancer would. */
  start(): void {
    this.#isOn = true
    for (const url of this.#urls)
      for (let i = 0; i < 4; i++) this.#loops.push(this.#loop(() => this.#readAny(url), 2))
    for (const index of this.#projects.keys())
      this.#loops.push(this.#loop(() => this.#turn(index), 25))
  }

  /** From here every second project is only read: a later write would hide what an instance missed. */
  restHalf(): void {
    this.#isHalfResting = true
  }

  async stop(): Promise<void> {
    this.#isOn = false
    await Promise.all(this.#loops)
  }

  /** What was counted since it was last asked. */
  take(): Counted {
    const counted = this.#counted
    this.#counted = { reads: 0, writes: 0, longestMs: 0 }
    return counted
  }

  /** One project has one writer, so that what was acknowledged last is what is true. */
  async write(index: number): Promise<void> {
    const project = this.#projects[index]
    if (!project) return
    const description = `version ${this.#version++}`
    const url = this.#urls[this.#version % this.#urls.length] ?? ''
    const reply = await this.#watched(url, project.id, 'PATCH', { description })
    if (reply) project.acknowledged = description
    this.#counted.writes++
  }

  /** Reads of all projects on all instances that are not what was acknowledged last. */
  async staleReads(): Promise<number> {
    let stale = 0
    for (const url of this.#urls)
      for (const { id, acknowledged } of this.#projects)
        if ((await this.#read(url, id)) !== acknowledged) stale++
    return stale
  }

  /** Writes on one instance each, read at once on all: how far the instances hear each other again. */
  async crossCheck(): Promise<number> {
    for (const index of this.#projects.keys()) await this.write(index)
    await sleep(250)
    return this.staleReads()
  }

  async #loop(step: () => Promise<unknown>, pauseMs: number): Promise<void> {
    while (this.#isOn) {
      await step()
      await sleep(pauseMs)
    }
  }

  async #turn(index: number): Promise<void> {
    if (!this.#isHalfResting || index % 2 === 0) await this.write(index)
  }

  async #readAny(url: string): Promise<void> {
    const project = this.#projects[Math.floor(Math.random() * this.#projects.length)]
    await this.#read(url, project?.id ?? 1)
    this.#counted.reads++
  }

  async #read(url: string, id: number): Promise<string | undefined> {
    return (await this.#watched(url, id, 'GET'))?.description
  }

  async #watched(url: string, id: number, method: string, body?: object) {
    const startedAt = performance.now()
    const response = await this.#send(`${url}/api/projects/${id}`, method, body).catch(String)
    const took = Math.round(performance.now() - startedAt)
    this.#counted.longestMs = Math.max(this.#counted.longestMs, took)
    if (typeof response === 'string') return void this.unexpected.push(`${method}: ${response}`)
    const text = await response.text()
    if (response.status !== 200)
      return void this.unexpected.push(`${method}: ${response.status} ${text}`)
    if (method === 'GET') this.cacheStates.add(response.headers.get('x-cache') ?? 'none')
    return JSON.parse(text) as { readonly description: string }
  }

  #send(url: string, method: string, body?: object): Promise<Response> {
    const text = body && { body: JSON.stringify(body) }
    const signal = AbortSignal.timeout(patience)
    return fetch(url, { method, headers: this.#headers, signal, ...text })
  }
}

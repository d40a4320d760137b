import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { binary } from './binaries.ts'
import { adopt, adoptFolder, end, signalTo } from './ending.ts'
import { listening, sparePort } from './ports.ts'

/** Options of the command line, or what makes them of the port. */
export type Options = readonly string[] | ((port: number) => readonly string[])

/** Beside this process's own. */
export type Environment = Readonly<Record<string, string>>

/** A Redis of our own that can be hurt. It keeps its port over a restart, and nothing on disk. */
export class RedisServer {
  readonly port: number
  readonly #program: string
  readonly #options: readonly string[]
  readonly #env: Environment
  readonly #home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-redis-')))
  #child: ChildProcess | undefined

  private constructor(program: string, port: number, options: readonly string[], env: Environment) {
    this.#program = program
    this.port = port
    this.#options = options
    this.#env = env
  }

  /** `undefined` where the machine has no redis-server. */
  static async start(
    options: Options = [],
    bus = 0,
    env: Environment = {},
  ): Promise<RedisServer | undefined> {
    const program = binary('redis-server')
    if (!program) return undefined
    const port = await sparePort(bus)
    const own = typeof options === 'function' ? options(port) : options
    const server = new RedisServer(program, port, own, env)
    await server.restart()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async restart(): Promise<void> {
    await this.kill('SIGKILL')
    const env = { ...process.env, ...this.#env }
    const options = { cwd: this.#home, env, stdio: 'ignore' } as const
    const child = adopt(spawn(this.#program, this.#args(), options))
    this.#child = child
    const isUp = await listening(this.port, () => child.exitCode === null)
    if (!isUp) throw new Error(`redis-server did not start on port ${this.port}`)
  }

  #args(): string[] {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#home]
    return [...own, '--save', '', '--appendonly', 'no', ...this.#options]
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child) await end(child, signal)
  }

  /** It holds its connections and answers nothing until told to go on: what a full disk looks like. */
  hang(): () => void {
    const child = this.#child
    if (!child) throw new Error('there is no server to hang')
    signalTo(child, 'SIGSTOP')
    return () => signalTo(child, 'SIGCONT')
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL')
    rmSync(this.#home, { recursive: true, force: true })
  }
}

import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import process from 'node:process'
import { promisify } from 'node:util'

import * as assert from 'uvu/assert'

import { adopt, exited } from '../harness/ending.ts'

/** The terminal of somebody who types only what stands before their eyes. */
export class Terminal {
  readonly #home: string
  readonly #env: Readonly<Record<string, string>>
  #running: ChildProcess | undefined
  /** All that was shown so far, with what was typed. */
  shown = ''

  constructor(home: string, env: Readonly<Record<string, string>>) {
    const { PATH = '', HOME = '' } = process.env
    this.#home = home
    this.#env = { PATH, HOME, ...env }
  }

  show(text: string): void {
    this.shown += text
  }

  /** What was shown and matches, or no test. */
  find(pattern: RegExp): string {
    const [, found] = pattern.exec(this.shown) ?? []
    assert.ok(found, `nothing that was shown matches ${pattern}:\n${this.shown}`)
    return found ?? assert.unreachable()
  }

  /** To its end; resolves to what it printed. */
  async type(command: string): Promise<string> {
    this.#isShown(command)
    const ended = promisify(execFile)('bash', ['--norc', '-c', command], {
      cwd: this.#home,
      env: this.#env,
      timeout: 180_000,
    })
    const { stdout, stderr } = await ended.catch((error: unknown) => {
      throw new Error(`${command}:\n${String((error as { stderr?: string }).stderr)}`)
    })
    this.show(`$ ${command}\n${stdout}${stderr}`)
    return stdout
  }

  /** One that goes on; resolves when it has shown what is waited for. */
  async leaveRunning(command: string, until: RegExp): Promise<void> {
    this.#isShown(command)
    const child = spawn('bash', ['--norc', '-c', command], {
      cwd: this.#home,
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    this.#running = adopt(child)
    this.show(`$ ${command}\n`)
    const isUp = new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        this.show(chunk.toString())
        if (until.test(this.shown)) resolve()
      })
    })
    const isDown = exited(child).then((code) => assert.unreachable(`${code}:\n${this.shown}`))
    await Promise.race([isUp, isDown])
  }

  /** Ctrl-C: to all processes of what runs, and waits until the last has gone. */
  async interrupt(): Promise<void> {
    const group = -(this.#running?.pid ?? 0)
    this.#running = undefined
    for (
      let signal: NodeJS.Signals | 0 = 'SIGINT';
      group !== 0 && reaches(group, signal);
      signal = 0
    )
      await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** At the start of a line or of a code span, up to its end or to what explains it. */
  #isShown(command: string): void {
    const literal = command.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const pattern = new RegExp(`(?:^|[\`:]) *${literal}(?: {2,}|\`|$)`, 'm')
    assert.match(this.shown, pattern, `nobody was told to type: ${command}`)
  }
}

const reaches = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, signal)
  } catch {
    return false // ESRCH: there is nobody left
  }
}

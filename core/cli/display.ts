import type { Host } from '../host.ts'
import type { Progress } from '../starter.ts'
import { painter } from './colour.ts'
import type { CliIo } from './verb.ts'

/** What a person sees while the server starts. On standard error, so that standard output stays log or JSON. */
export class Display {
  readonly #io: CliIo
  readonly #paint: ReturnType<typeof painter>
  readonly #begun = performance.now()

  constructor(io: CliIo) {
    this.#io = io
    this.#paint = painter(process.stderr, io)
  }

  progress({ plugin, step, ms, runsOn, error }: Progress): void {
    if (this.#io.json || step === 'starting') return
    if (step === 'failed') {
      this.#io.err(`  ${this.#paint('red', '✗')} ${plugin.padEnd(10)} ${error ?? 'failed'}`)
      return
    }
    const time = this.#paint('dim', `${Math.round(ms)} ms`)
    this.#io.err(`  ${this.#paint('green', '✓')} ${plugin.padEnd(10)} ${runsOn ?? ''} ${time}`)
  }

  async ready(host: Host): Promise<void> {
    const { addresses, server } = host
    if (this.#io.json) {
      this.#io.out(JSON.stringify({ ...addresses, pid: process.pid, dataDir: server?.dataDir }))
      return
    }
    const seconds = ((performance.now() - this.#begun) / 1_000).toFixed(1)
    this.#io.err(`\nReady in ${seconds} s`)
    this.#io.err(`  public      ${addresses.public}`)
    this.#io.err(`  operations  ${addresses.operations}`)
    if (!host.isInviting) return
    const lines = await host.welcome()
    if (lines.length > 0) this.#tell('Try', lines)
    this.#tell('Next, in a second terminal and this folder', [
      'autodocops plugins   which there are, and how to switch one on or off',
      'autodocops doctor    what is wrong here, and what to do about it',
      'autodocops --help    all the rest',
    ])
    this.#io.err('\nCtrl-C ends it.')
  }

  #tell(title: string, lines: readonly string[]): void {
    this.#io.err(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`)
  }
}

import { spawn } from 'node:child_process'

import { binary } from './binaries.ts'
import { adopt } from './ending.ts'
import { command, inherited } from './process.ts'
import { tellSkipped } from './skip.ts'

/** `script` of util-linux makes a pseudo-terminal. */
export const hasTerminal = binary('script') !== undefined
if (!hasTerminal) tellSkipped('script, for a terminal', 'apt-get install bsdutils')

export interface TerminalOptions {
  /** The folder that it runs in. */
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
  /** What a person types now, having seen this much; asked again after every answer. */
  readonly answer?: (shown: string) => string | undefined
}

/** Runs lines of a shell, in which `autodocops` is our command line, at a terminal; resolves to what it showed. */
export async function atTerminal(
  lines: string,
  { home, env = {}, answer = () => undefined }: TerminalOptions,
): Promise<string> {
  const [program, words] = command([])
  const ours = `autodocops() { ${[program, ...words].map((word) => `'${word}'`).join(' ')} "$@"; }`
  const child = adopt(
    spawn('script', ['-qec', `${ours}; ${lines}`, '/dev/null'], {
      cwd: home,
      env: { ...inherited(), TERM: 'xterm', SHELL: '/bin/bash', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  child.ref() // it is waited for
  let shown = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    shown += chunk.toString()
    for (let typed = answer(shown); typed !== undefined; typed = answer(shown))
      child.stdin?.write(typed)
  })
  await new Promise((resolve) => child.once('close', resolve))
  return shown.replaceAll('\r\n', '\n')
}

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { adopt } from '../../harness/ending.ts'

/** Starts a script as a process of its own, on the same runtime; the first line that it prints is its URL. */
export async function startChild(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const flags = 'Deno' in globalThis ? ['run', '-A', '--conditions=source'] : process.execArgv
  const child = spawn(process.execPath, [...flags, fileURLToPath(script), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  adopt(child)
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { url, child }
}

export const isMain = (script: string): boolean => process.argv[1] === fileURLToPath(script)

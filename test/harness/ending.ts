import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import process from 'node:process'

const steps: (() => Promise<unknown>)[] = []
const children = new Map<ChildProcess, NodeJS.Signals>()
const folders = new Set<string>()

/** Runs when the tests are through and nothing else keeps the process alive, the latest step first. */
export function atEnd(step: () => Promise<unknown>): void {
  if (steps.push(step) === 1) process.once('beforeExit', () => void runSteps())
}

async function runSteps(): Promise<void> {
  for (let step = steps.pop(); step; step = steps.pop()) await step()
}

/** A child that does not keep the tests alive, and does not outlive them however they end. */
export function adopt(child: ChildProcess, atExit: NodeJS.Signals = 'SIGKILL'): ChildProcess {
  if (children.size + folders.size === 0) process.once('exit', leaveNothing)
  children.set(child, atExit)
  child.once('exit', () => children.delete(child))
  child.unref()
  return child
}

/** A folder that is deleted with the process. */
export function adoptFolder(path: string): string {
  if (children.size + folders.size === 0) process.once('exit', leaveNothing)
  folders.add(path)
  return path
}

function leaveNothing(): void {
  for (const [child, signal] of children) signalTo(child, signal)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20 })
}

/** Sends a signal and waits for the end; kills after the grace. Resolves to the exit code or the signal. */
export async function end(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
  graceMs = 30_000,
): Promise<number | NodeJS.Signals | null> {
  const ended = exited(child)
  signalTo(child, signal)
  const killer = setTimeout(() => signalTo(child, 'SIGKILL'), graceMs)
  const code = await ended
  clearTimeout(killer)
  return code
}

/** By pid: on Deno `child.kill` sends one signal and ignores the next. */
export function signalTo(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(child.pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** The exit code, or the signal that ended it; at once when it has already ended. */
export function exited(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(child.exitCode ?? child.signalCode)
  }
  child.ref()
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
}

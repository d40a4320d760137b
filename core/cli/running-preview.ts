import { resolve } from 'node:path'

import type { ServerConfig } from '../manifest/server-config.ts'
import type { Preview } from '../preview.ts'
import { credential, findServer } from '../running-server.ts'
import { refusal, type Refusal } from './reload.ts'
import type { CliIo } from './verb.ts'

/** The server answers from memory; it only reads the manifest anew. */
const answerMs = 5_000

/** What a reload of the server that runs on this `dataDir` would do; `undefined` when there is none. */
export async function previewOfRunning(
  server: ServerConfig,
  io: CliIo,
): Promise<Preview | undefined> {
  const running = findServer(resolve(io.cwd, server.dataDir))
  if (running === undefined) return undefined
  try {
    const answer = await fetch(`${running.operations}/admin/plan`, {
      headers: credential(server.operationsToken),
      signal: AbortSignal.timeout(answerMs),
    })
    if (answer.ok) return (await answer.json()) as Preview
    io.err(await whyNot(answer))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    io.err(`The running server does not answer on ${running.operations}: ${reason}.`)
  }
  return undefined
}

async function whyNot(answer: Response): Promise<string> {
  if (answer.status !== 422)
    return `The running server refuses to tell what a reload would do: ${answer.status}.`
  const refused = (await answer.json()) as Refusal
  return refusal({ ...refused, title: 'The running server would reject a reload' })
}

export function describePreview({ start, keep, retire, lost }: Preview): string {
  if (start.length === 0 && retire.length === 0)
    return 'A reload of the running server changes nothing.'
  return [
    'A reload of the running server would',
    `  start   ${names(start)}`,
    `  keep    ${names(keep)}`,
    `  retire  ${names(retire)}`,
    ...lost.map(({ plugin, state }) => `  lose    ${plugin}: ${state}`),
  ].join('\n')
}

const names = (list: readonly string[]): string => list.join(', ') || 'nothing'

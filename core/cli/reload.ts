import { resolve } from 'node:path'

import { faultText, type Fault } from '../manifest/faults.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { readManifest } from '../manifest/read.ts'
import type { ServerConfig } from '../manifest/server-config.ts'
import { serverOf } from '../manifest/server-of.ts'
import { plan } from '../plan.ts'
import { credential, findServer } from '../running-server.ts'
import { builtInSources } from '../sources.ts'
import { exitCodes, type CliIo, type CliVerb } from './verb.ts'

/** A start may take its whole budget, and a reload starts several. */
const answerMs = 120_000

export const reload: CliVerb = {
  summary: 'Let the running server take over the manifest as it is now',
  positionals: [],
  options: {
    'if-match': { type: 'string', description: 'Only if the running manifest has this hash' },
  },
  examples: ['autodocops reload', 'autodocops plan && autodocops reload'],
  run: async (args, io) => {
    const guard = args['if-match']
    const headers = typeof guard === 'string' ? { 'if-match': `"${guard}"` } : {}
    const answer = await callOperations('POST', '/admin/reload', headers, io)
    if (answer === undefined) return exitCodes.failed
    const text = await answer.text()
    if (answer.ok) {
      io.out(io.json ? text : describe(JSON.parse(text) as Report))
      return exitCodes.done
    }
    const refused = JSON.parse(text) as Refusal
    if (io.json) io.out(text)
    else io.err(refusal(refused))
    return refused.faults === undefined ? exitCodes.failed : exitCodes.configuration
  },
}

/** Asks the server that runs on this manifest's `dataDir`; says so when there is none. */
export async function callOperations(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  io: CliIo,
): Promise<Response | undefined> {
  const manifest = readManifest(io)
  const server = await serverIn(manifest)
  const dataDir = resolve(io.cwd, server.dataDir)
  const running = findServer(dataDir)
  if (running === undefined) {
    const where = `${dataDir}, the dataDir of ${manifest.file}`
    io.err(`No server runs on ${where}.\n    hint: autodocops start`)
    return undefined
  }
  const signal = AbortSignal.timeout(answerMs)
  const all = { ...headers, ...credential(server.operationsToken) }
  return fetch(`${running.operations}${path}`, { method, headers: all, signal })
}

/** Its block is enough to find a server; when it has faults, they are told with all others of the manifest. */
async function serverIn(manifest: Manifest): Promise<ServerConfig> {
  try {
    return serverOf(manifest)
  } catch {
    return (await plan(manifest, builtInSources())).server
  }
}

interface Report {
  readonly changed: boolean
  readonly generation: number
  readonly started: readonly string[]
  readonly kept: readonly string[]
  readonly retired: readonly string[]
  readonly unavailable: readonly { readonly plugin: string; readonly error: string }[]
  readonly ms: number
}

const names = (list: readonly string[]) => (list.length === 0 ? '-' : list.join(', '))

function describe(report: Report): string {
  if (!report.changed) return 'Nothing has changed.'
  return [
    `Generation ${report.generation} in ${Math.round(report.ms)} ms`,
    `  started      ${names(report.started)}`,
    `  kept         ${names(report.kept)}`,
    `  retired      ${names(report.retired)}`,
    ...report.unavailable.map(({ plugin, error }) => `  unavailable  ${plugin}: ${error}`),
  ].join('\n')
}

export interface Refusal {
  readonly title: string
  readonly detail?: string
  readonly hint?: string
  readonly faults?: readonly Fault[]
  readonly failures?: readonly Failure[]
}

interface Failure {
  readonly plugin: string
  readonly detail: string
  readonly hint?: string
}

export function refusal({ title, detail, hint, faults = [], failures = [] }: Refusal): string {
  return [
    title,
    ...(detail === undefined ? [] : [detail]),
    ...faults.map(faultText),
    ...failures.flatMap((failure) => [
      `${failure.plugin}: ${failure.detail}`,
      ...advice(failure.hint),
    ]),
    ...advice(hint),
  ].join('\n')
}

const advice = (hint: string | undefined) => (hint === undefined ? [] : [`    hint: ${hint}`])

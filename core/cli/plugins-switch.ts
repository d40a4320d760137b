import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

import { changedLines, switched } from '../manifest/edit.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { readManifest } from '../manifest/read.ts'
import { plan, type Plan } from '../plan.ts'
import { builtInSources } from '../sources.ts'
import { faultsOf, printFaults } from './faults.ts'
import { asCalled } from './invocation.ts'
import { reload } from './reload.ts'
import { UsageError } from './arguments.ts'
import { exitCodes, type CliArgs, type CliIo } from './verb.ts'

/**
 * Switches a plugin in the manifest: writes the file only when the result plans without a fault, shows what
 * changed, and with `--apply` lets the running server take it over.
 */
export async function switchPlugin(on: boolean, args: CliArgs, io: CliIo): Promise<number> {
  const { name } = args
  if (typeof name !== 'string') throw new UsageError(`plugins ${on ? 'enable' : 'disable'} <name>`)
  const file = ownFile(io)
  const before = readFileSync(readManifest(io).files[0] ?? file, 'utf8')
  const after = switched(before, name, on)
  const switchedTo = { plugin: name, enabled: on }
  if (after === undefined) {
    const elsewhere = overruled(await planHere(io), name, on)
    if (elsewhere !== undefined) return refuse(elsewhere, io)
    if (io.json) io.out(JSON.stringify({ ...switchedTo, changed: [] }))
    else io.out(`${name} is ${on ? 'on' : 'off'} already`)
    return exitCodes.done
  }
  const refused = await write(file, before, after, io, (made) => overruled(made, name, on))
  if (refused !== undefined) return refused
  const changed = changedLines(before, after)
  if (io.json) return apply(args, io, { ...switchedTo, file, changed })
  for (const { sign, line, text } of changed) io.out(`${sign} ${basename(file)}:${line} ${text}`)
  if (args['apply'] === true) return reload.run({}, io)
  io.out(asCalled('The running server takes it over by: autodocops reload', io.cwd))
  return exitCodes.done
}

/** One value: what changed, with `--apply` also what the server says. */
async function apply(args: CliArgs, io: CliIo, told: object): Promise<number> {
  if (args['apply'] !== true) {
    io.out(JSON.stringify(told))
    return exitCodes.done
  }
  const said: { reload?: unknown } = {}
  const out = (text: string) => void (said.reload = JSON.parse(text))
  const code = await reload.run({}, { ...io, out })
  io.out(JSON.stringify({ ...told, ...said }))
  return code
}

interface Planned {
  readonly manifest: Manifest
  readonly plan: Plan
}

async function planHere(io: CliIo): Promise<Planned> {
  const manifest = readManifest(io)
  return { manifest, plan: await plan(manifest, builtInSources()) }
}

/** Who says otherwise, when the base file has no say: an overlay. */
function overruled({ manifest, plan: made }: Planned, name: string, on: boolean) {
  if (made.plugins.some((planned) => planned.name === name) === on) return undefined
  const { file, line } = manifest.position(['plugins', name])
  return `${name} stays ${on ? 'off' : 'on'}: ${file}:${line} has the last word`
}

function refuse(why: string, io: CliIo): number {
  io.err(`${why}\n    hint: change it there`)
  if (io.json) io.out(JSON.stringify({ error: why }))
  return exitCodes.failed
}

/** The base file of this folder. The one that comes with the package is not edited: it is copied first. */
function ownFile(io: CliIo): string {
  const named = io.env['AUTODOCOPS_MANIFEST']
  if (named !== undefined && named !== '') return resolve(io.cwd, named)
  return join(io.cwd, 'config', 'manifest.yaml')
}

/** A manifest that does not plan is taken back; a server that watches the file would refuse it as well. */
async function write(
  file: string,
  before: string,
  after: string,
  io: CliIo,
  wrong: (made: Planned) => string | undefined,
): Promise<number | undefined> {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, after)
  try {
    const why = wrong(await planHere(io))
    if (why === undefined) return undefined
    writeFileSync(file, before)
    return refuse(why, io)
  } catch (error) {
    writeFileSync(file, before)
    const faults = faultsOf(error)
    printFaults(faults, io)
    if (io.json) io.out(JSON.stringify({ faults }))
    return exitCodes.configuration
  }
}

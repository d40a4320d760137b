import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

import { changedLines, switched } from '../manifest/edit.ts'
import { readManifest } from '../manifest/read.ts'
import { plan } from '../plan.ts'
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
    if (io.json) io.out(JSON.stringify({ ...switchedTo, changed: [] }))
    else io.out(`${name} is ${on ? 'on' : 'off'} already`)
    return exitCodes.done
  }
  const refused = await write(file, before, after, io)
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
): Promise<number | undefined> {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, after)
  try {
    await plan(readManifest(io), builtInSources())
    return undefined
  } catch (error) {
    writeFileSync(file, before)
    const faults = faultsOf(error)
    printFaults(faults, io)
    if (io.json) io.out(JSON.stringify({ faults }))
    return exitCodes.configuration
  }
}

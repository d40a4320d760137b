import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { didYouMean } from '../manifest/closest.ts'
import { changedLines, switched } from '../manifest/edit.ts'
import { isError, type Fault } from '../manifest/faults.ts'
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
  const manifest = readManifest(io)
  if (manifest.faults.some(isError)) return faulty(manifest.faults, io)
  if (!on && !isKnown(name, manifest))
    return refuse(`no plugin is named '${name}'`, io, known(name))
  const file = ownFile(manifest)
  const before = readFileSync(manifest.files[0] ?? file, 'utf8')
  const after = switched(before, name, on)
  const switchedTo = { plugin: name, enabled: on }
  if (after === undefined) {
    const elsewhere = overruled(await planHere(io), name, on)
    if (elsewhere !== undefined) return refuse(elsewhere, io)
    if (io.json) io.out(JSON.stringify({ ...switchedTo, changed: [] }))
    else io.out(`${name} is ${on ? 'on' : 'off'} already`)
    return exitCodes.done
  }
  const objection = await write(file, before, after, io, (made) => overruled(made, name, on))
  if (typeof objection === 'string') return refuse(objection, io)
  if (objection !== undefined) return on ? faulty(objection, io) : missed(name, objection, io)
  const changed = changedLines(before, after)
  if (manifest.isBuiltIn && !io.json) io.out(`${file} is new, a copy of the built-in manifest`)
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

function refuse(why: string, io: CliIo, hint = 'change it there'): number {
  io.err(`${why}\n    hint: ${hint}`)
  if (io.json) io.out(JSON.stringify({ error: why }))
  return exitCodes.failed
}

/** The base file of this folder. The one that comes with the package is not edited: it is copied first. */
const ownFile = ({ isBuiltIn, files: [base], cwd }: Manifest): string =>
  isBuiltIn || base === undefined ? join(cwd, 'config', 'manifest.yaml') : base

const isKnown = (name: string, manifest: Manifest): boolean =>
  builtInSources().has(name) || manifest.isWritten(['plugins', name])

function known(name: string): string {
  const names = [...builtInSources().keys()]
  return didYouMean(name, names) ?? `known: ${names.join(', ')}`
}

/**
 * Who has the last word, or the faults of what was written: then it is taken back; a server that watches the
 * file would refuse it as well.
 */
async function write(
  file: string,
  before: string,
  after: string,
  io: CliIo,
  wrong: (made: Planned) => string | undefined,
): Promise<string | readonly Fault[] | undefined> {
  const isNew = !existsSync(file)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, after)
  const takeBack = () => (isNew ? rmSync(file) : writeFileSync(file, before))
  try {
    const why = wrong(await planHere(io))
    if (why !== undefined) takeBack()
    return why
  } catch (error) {
    takeBack()
    return faultsOf(error)
  }
}

function faulty(faults: readonly Fault[], io: CliIo): number {
  printFaults(faults, io)
  if (io.json) io.out(JSON.stringify({ faults }))
  return exitCodes.configuration
}

const lacking: readonly string[] = ['E_SERVICE_MISSING', 'E_SLOT_EMPTY']

/** When the manifest had no fault before, those that it has now tell who lacks this plugin. */
async function missed(name: string, faults: readonly Fault[], io: CliIo): Promise<number> {
  const errors = faults.filter(isError)
  const isLacking = errors.every(({ code }) => lacking.includes(code))
  if (!isLacking || (await hasFaults(io))) return faulty(faults, io)
  const paths = new Set(errors.map(({ path }) => path))
  const dependants = [...paths].map((path) => path.replace('plugins.', ''))
  const commands = dependants.map((one) => `autodocops plugins disable ${one}`)
  const error = `${name} stays on, since it is needed by: ${dependants.join(', ')}`
  io.err(`${error}\n    hint: switch off first what needs it: ${commands.join(' && ')}`)
  if (io.json) io.out(JSON.stringify({ error, dependants, faults }))
  return exitCodes.configuration
}

const hasFaults = (io: CliIo): Promise<boolean> =>
  planHere(io).then(
    () => false,
    (error: unknown) => faultsOf(error).some(isError),
  )

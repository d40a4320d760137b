import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { packageRoot } from '../package-root.ts'
import { ManifestDocument } from './document.ts'
import { Environment } from './environment.ts'
import type { Fault, FaultCode } from './faults.ts'
import { Manifest } from './manifest.ts'
import { overlay, type Tree } from './tree.ts'

export interface ReadOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Else `AUTODOCOPS_MANIFEST`, else `config/manifest.yaml`, else the one that comes with the package. */
  readonly file?: string | undefined
  /** Of a server that runs by a file of its own: when that is gone, the built-in one does not take its place. */
  readonly keepsOwn?: boolean | undefined
}

/** Reads and merges; what it finds wrong stands in `faults`, so that the plan can tell everything at once. */
export function readManifest({ cwd, env, file, keepsOwn = false }: ReadOptions): Manifest {
  const environment = new Environment(cwd, env)
  const base = baseFile(cwd, file ?? environment.text('AUTODOCOPS_MANIFEST'), keepsOwn)
  const over = overlayFile(base, cwd, environment)
  const faults: Fault[] = []
  if ('fault' in over) faults.push(over.fault)
  const files = [base, ...('file' in over ? [over.file] : [])]
  const trees = files.map((path) => {
    const shown = shownPath(path, cwd)
    const text = readText(path)
    if (text === undefined) faults.push(missing(shown, keepsOwn))
    else if (path === base && text.trim() === '') faults.push(empty(shown))
    const document = new ManifestDocument(shown, text ?? '', environment)
    faults.push(...document.faults)
    return orEmpty(document.root)
  })
  const production = environment.text('NODE_ENV') === 'production'
  return new Manifest({
    file: shownPath(base, cwd),
    files,
    folder: dirname(base),
    cwd,
    production,
    isBuiltIn: isBuiltIn(base) && base !== ownFile(cwd),
    root: trees.reduce(overlay),
    faults,
  })
}

/** A file with nothing but comments says nothing. */
const orEmpty = (root: Tree): Tree =>
  root.kind === 'leaf' && root.value === null
    ? { kind: 'map', at: root.at, entries: new Map() }
    : root

/** A path inside the working directory is shown as people type it. */
function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path)
  return short.startsWith('..') || isAbsolute(short) ? path : short.replaceAll('\\', '/')
}

const builtIn = (): string => fileURLToPath(new URL('config/manifest.yaml', packageRoot()))

const isBuiltIn = (file: string): boolean => file === builtIn()

const ownFile = (cwd: string): string => join(cwd, 'config', 'manifest.yaml')

function baseFile(cwd: string, named: string | undefined, keepsOwn: boolean): string {
  if (named !== undefined) return resolve(cwd, named)
  const own = ownFile(cwd)
  return keepsOwn || existsSync(own) ? own : builtIn()
}

/** Beside the base file; `config/` of the working directory also lays over the built-in one. */
function overlayFile(
  base: string,
  cwd: string,
  environment: Environment,
): { readonly file: string } | { readonly fault: Fault } | Record<never, never> {
  const explicit = environment.text('AUTODOCOPS_PROFILE')
  const profile = explicit ?? environment.text('NODE_ENV')
  if (profile === undefined) return {}
  const extension = extname(base)
  const name = `${basename(base, extension)}.${profile}${extension}`
  const isName = /^[\w-]+$/.test(profile)
  const own = isBuiltIn(base) ? [join(cwd, 'config', name)] : []
  const file = [...own, join(dirname(base), name)].find((path) => isName && existsSync(path))
  if (file !== undefined) return { file }
  if (explicit === undefined) return {}
  const message = `the profile that AUTODOCOPS_PROFILE names has no file beside the manifest`
  const hint = `write ${shownPath(join(dirname(base), basename(base, extension)), cwd)}.<profile>${extension}, or unset AUTODOCOPS_PROFILE`
  return { fault: fileFault('E_PROFILE_UNKNOWN', shownPath(base, cwd), message, hint) }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const missing = (file: string, isRunning: boolean): Fault =>
  fileFault(
    'E_MANIFEST_MISSING',
    file,
    'this file cannot be read',
    isRunning
      ? 'the running server lives by it: put it back, or start the server anew'
      : 'name another by AUTODOCOPS_MANIFEST, or unset it to use config/manifest.yaml',
  )

/** An editor that truncates before it writes must not end every plugin. */
const empty = (file: string): Fault =>
  fileFault(
    'E_MANIFEST_MISSING',
    file,
    'this file is empty',
    'write `plugins: {}` for a server without plugins',
  )

const fileFault = (code: FaultCode, file: string, message: string, hint: string): Fault => ({
  code,
  file,
  line: 1,
  col: 1,
  path: '$',
  message,
  hint,
  severity: 'error',
})

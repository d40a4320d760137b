#!/usr/bin/env node
/** `npm run build`: dist/ from the sources, for Node 20 and for npm. */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const at = (...parts) => join(root, ...parts)
const stamp = at('dist/.built')
const compiler = at('node_modules/typescript/bin/tsc')
const sources = ['core', 'plugins']
const testSources = [...sources, 'test', 'bench', 'monitoring']

const filesOf = (folder) =>
  existsSync(at(folder))
    ? readdirSync(at(folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length))
    : []
const isCode = (file) => /\.[cm]?tsx?$/.test(file)
const modifiedAt = (file) => statSync(at(file)).mtimeMs

/** A source, or what decides how it is compiled, is younger than dist/. */
export function isStale() {
  if (!existsSync(stamp)) return true
  const since = statSync(stamp).mtimeMs
  const inputs = [...sources.flatMap(filesOf), 'tsconfig.json', 'tsconfig.build.json']
  return inputs.some((file) => modifiedAt(file) > since)
}

/** Without the dev dependencies nothing can be built, and what is in dist/ was made to be run as it is. */
export const canBuild = () => existsSync(compiler)

/** Returns whether the sources compile; the messages of the compiler go to standard error. */
export function build({ withTests = false } = {}) {
  const began = new Date()
  const config = withTests ? 'tsconfig.test.json' : 'tsconfig.build.json'
  const { status, stdout, error } = spawnSync(process.execPath, [compiler, '-p', at(config)], {
    cwd: root,
    encoding: 'utf8',
  })
  if (error) throw error
  if (stdout !== '') process.stderr.write(stdout)
  const folders = withTests ? testSources : sources
  folders.forEach(copyAssets)
  folders.forEach(prune)
  if (status === 0) writeStamp(began)
  return status === 0
}

/** SQL, pages, styles: what a module reads from beside itself. */
function copyAssets(folder) {
  for (const file of filesOf(folder).filter((name) => !isCode(name))) {
    const target = at('dist', file)
    if (existsSync(target) && statSync(target).mtimeMs >= modifiedAt(file)) continue
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(at(file), target)
  }
}

/** A file whose source is gone would still be found: a migration, for one, by whoever lists the folder. */
function prune(folder) {
  for (const file of filesOf(join('dist', folder))) {
    const source = file.slice('dist/'.length).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')
    const isKept = existsSync(at(source)) || existsSync(at(file.slice('dist/'.length)))
    if (!isKept) rmSync(at(file), { force: true })
  }
}

/** As old as the beginning of the build: a source saved meanwhile is built again. */
function writeStamp(began) {
  writeFileSync(stamp, '')
  utimesSync(stamp, began, began)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exit(build() ? 0 : 1)

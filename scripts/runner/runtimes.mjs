/** The runtimes of the suite. What this machine lacks comes from npm, like any other dependency. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const stripsTypes = major > 23 || (major === 22 && minor >= 18)

/**
 * A package on npm is one Node binary for one platform. `npm ci` cannot bring it (its meta package `node`
 * installs it by a script, and we run no install scripts), so it is put into .cache/ when it is first needed.
 */
const packageOf = (version) => {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  const platform = process.platform === 'win32' ? 'win' : process.platform
  return `${prefix}-${platform}-${process.arch}@${version}`
}

/** The path of a Node of that major version: this one, a cached one, or one from npm. */
export async function node(version) {
  if (version === major) return process.execPath
  const folder = join(root, '.cache', `node${version}`)
  const binary = join(folder, process.platform === 'win32' ? 'node.exe' : 'bin/node')
  if (existsSync(binary)) return binary
  process.stderr.write(`Fetching Node ${version} from npm (once) …\n`)
  await execute(
    'npm',
    ['install', '--global', '--prefix', folder, '--ignore-scripts', packageOf(version)],
    { shell: process.platform === 'win32' },
  )
  return binary
}

/** Deno's npm package unpacks its binary at the first call, so the first call is made here, alone. */
export async function deno() {
  await execute(process.execPath, [join(root, 'node_modules/deno/bin.cjs'), '--version'])
  return join(root, 'node_modules/deno', process.platform === 'win32' ? 'deno.exe' : 'deno')
}

const fileUrl = (file) => new URL(`../../${file}`, import.meta.url).href
const fromSource = (program) => ({
  program,
  args: (file) => ['--conditions=source', `--import=${fileUrl('test/harness/preload.ts')}`, file],
})
const fromDist = (program) => ({
  program,
  args: (file) => [
    '--enable-source-maps',
    `--import=${fileUrl('dist/test/harness/preload.js')}`,
    join('dist', file.replace(/\.ts$/, '.js')),
  ],
})

/** How each runtime is made ready: a program, and its arguments for a test file. */
const makers = {
  node20: async () => fromDist(await node(20)),
  node24: async () => fromSource(await node(24)),
  deno: async () => {
    const program = await deno()
    const preload = join('test', 'harness', 'preload.ts')
    const flags = ['run', '-A', '--conditions=source', '--preload', preload]
    return { program, args: (file) => [...flags, file] }
  },
  this: async () => (stripsTypes ? fromSource : fromDist)(process.execPath),
}

export const runtimeNames = Object.keys(makers)

/** All three, and this Node as well when it is neither 20 nor 24. */
export const defaultRuntimes = () =>
  major === 20 || major === 24 ? ['node20', 'node24', 'deno'] : runtimeNames

/** Resolves to the runtime, or to the reason why it cannot be had. */
export async function runtime(name) {
  try {
    return { name, ...(await makers[name]()) }
  } catch (error) {
    return {
      name,
      missing: String(error.stderr || error.message)
        .trim()
        .split('\n')
        .at(-1),
    }
  }
}

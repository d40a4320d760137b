import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'

import { adopt } from '../harness/ending.ts'
import { root } from '../harness/root.ts'
import { read } from './compose-files.ts'
import { stagesOf } from './dockerfile.ts'
import type { Stage } from './dockerfile.ts'

type Variables = Readonly<Record<string, string>>

const isRoot = process.getuid?.() === 0
const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`
const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name = '']) => name)

/** What a Dockerfile makes, in a folder: its own steps are run there, and its own user, entrypoint and health check. */
export class Image {
  readonly #home: string
  readonly env: Record<string, string> = {}
  entrypoint: readonly string[] = []
  command: readonly string[] = []
  healthcheck: readonly string[] = []
  user = ''
  #last = ''

  constructor(home: string) {
    this.#home = home
    chmodSync(home, 0o755)
    for (const [at, stage] of stagesOf(read('Dockerfile')).entries()) this.#build(stage, at)
  }

  /** Where a path of the container is on this machine. */
  at(inside: string, stage = this.#last): string {
    return join(this.#home, stage, inside)
  }

  /** Every path of the container in a text. */
  #here = (text: string, stage: string): string =>
    text.replaceAll(/(?<=^|[\s=])\/(?=(?:app|data)\b)/g, `${this.at('/', stage)}`)

  #build({ name, steps }: Stage, at: number): void {
    const stage = name || `stage-${at}`
    this.#last = stage
    for (const { word, rest } of steps) {
      if (word === 'WORKDIR') mkdirSync(this.at(rest, stage), { recursive: true, mode: 0o755 })
      if (word === 'COPY') this.#copy(rest.split(' '), stage)
      if (word === 'RUN') this.#run(rest, stage)
      if (word === 'ENV') for (const [key, value] of pairs(rest)) this.env[key] = value
      if (word === 'USER') this.user = rest
      if (word === 'ENTRYPOINT') this.entrypoint = JSON.parse(rest) as string[]
      if (word === 'CMD') this.command = JSON.parse(rest) as string[]
      if (word === 'HEALTHCHECK')
        this.healthcheck = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
    }
  }

  #copy(words: readonly string[], stage: string): void {
    const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length)
    const paths = words.filter((word) => !word.startsWith('--'))
    const target = paths.at(-1) ?? ''
    for (const source of paths.slice(0, -1)) {
      if (from === undefined && !allowed.includes(source.split('/')[0] ?? ''))
        throw new Error(`.dockerignore keeps ${source} out`)
      const isFolder = target.endsWith('/')
      const to = join(this.at('/app', stage), target, isFolder ? source : '')
      mkdirSync(dirname(to), { recursive: true, mode: 0o755 })
      const origin = from === undefined ? join(root, source) : this.at(source, from)
      cpSync(origin, to, { recursive: true, verbatimSymlinks: true })
    }
  }

  #run(command: string, stage: string): void {
    const cwd = this.at('/app', stage)
    // The tools of the build are those that this checkout was installed with, from the same lockfile.
    if (command === 'npm ci --ignore-scripts')
      return symlinkSync(join(root, 'node_modules'), join(cwd, 'node_modules'))
    const line = isRoot ? command : command.replace(/ && chown .*/, '')
    const env = { PATH: path, HOME: process.env['HOME'] ?? '', npm_config_prefer_offline: 'true' }
    execFileSync('sh', ['-ec', this.#here(line, stage)], { cwd, env, stdio: 'pipe' })
  }

  /** A process of the container, as its user, with nothing in its environment that is not given. */
  run(words: readonly string[], env: Variables): ChildProcess {
    const [uid = '', gid = ''] = this.user.split(':')
    const [program = '', ...args] = isRoot
      ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...words]
      : words
    const given = { ...this.env, DATA_DIR: this.at(this.env['DATA_DIR'] ?? ''), ...env }
    return adopt(
      spawn(program, args, {
        cwd: this.at('/app'),
        env: { PATH: path, ...given },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
  }
}

const pairs = (text: string) => text.split(' ').map((pair) => pair.split('=') as [string, string])

import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'

import { readManifest } from '../manifest/read.ts'
import { packageRoot } from '../package-root.ts'
import { plan } from '../plan.ts'
import { builtInSources } from '../sources.ts'
import { UsageError } from './arguments.ts'
import { faultsOf, printFaults } from './faults.ts'
import { asCalled } from './invocation.ts'
import { exitCodes, type CliIo, type CliVerb } from './verb.ts'

type Variables = Readonly<Record<string, string>>

interface Question {
  readonly text: string
  /** The variables that the words of the answer are for, in this order. */
  readonly names: readonly string[]
}

/** What nobody can guess. Each may stay empty: then it runs on what needs no answer. */
const questions: readonly Question[] = [
  { text: 'URL by which clients reach it (empty: this machine)', names: ['PUBLIC_URL'] },
  { text: 'Postgres, postgres://… (empty: an embedded one)', names: ['DATABASE_URL'] },
  { text: 'Redis, redis://… (empty: memory)', names: ['REDIS_URL'] },
  { text: 'Key of OpenAI, sk-… (empty: a fake model)', names: ['OPENAI_API_KEY'] },
  {
    text: 'Stripe, its key and webhook secret, sk_… whsec_… (empty: a fake Stripe)',
    names: ['STRIPE_API_KEY', 'STRIPE_WEBHOOK_SECRET'],
  },
]

const manifests = ['manifest.yaml', 'manifest.production.yaml', 'manifest.schema.json']

export const init: CliVerb = {
  summary: 'Write .env, with secrets of its own, and a manifest; asks at most five questions',
  positionals: [],
  options: {
    yes: { type: 'boolean', description: 'Ask nothing', alias: 'y' },
    dir: { type: 'string', description: 'The folder to write to', default: '.' },
    force: { type: 'boolean', description: 'Replace files that are there' },
  },
  examples: ['autodocops init', 'autodocops init --yes --dir ./server', 'autodocops init --force'],
  run: async (args, io) => {
    const folder = resolve(io.cwd, String(args['dir'] ?? '.'))
    const force = args['force'] === true
    if (!force && existsSync(join(folder, '.env'))) {
      io.err(
        `${join(folder, '.env')} is there already; nothing was written.\n    hint: --force replaces it, and its secrets`,
      )
      return exitCodes.failed
    }
    const variables = { ...(args['yes'] === true ? {} : await ask()), ...freshSecrets() }
    if (!(await isGood(folder, variables, io))) return exitCodes.configuration
    const files = write(folder, variables, force)
    if (io.json) io.out(JSON.stringify({ folder, files }))
    else io.out(asCalled(told(files, relative(io.cwd, folder)), folder))
    return exitCodes.done
  },
}

async function ask(): Promise<Variables> {
  if (!process.stdin.isTTY) {
    throw new UsageError('init asks questions, and this is no terminal; --yes asks none')
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // Not question(): of answers that are pasted together it would lose all but the first.
  const typed = lines[Symbol.asyncIterator]()
  const answers: (readonly [string, string])[] = []
  for (const { text, names } of questions) {
    lines.setPrompt(`${text}: `)
    lines.prompt()
    const line = await typed.next()
    if (line.done === true) throw new UsageError('no more answers; nothing was written')
    const words = line.value.trim().split(/\s+/)
    names.forEach((name, index) => answers.push([name, words[index] ?? '']))
  }
  lines.close()
  return Object.fromEntries(answers.filter(([, value]) => value !== ''))
}

const fresh = () => randomBytes(36).toString('base64url')
const freshSecrets = (): Variables => ({
  JWT_SECRET_KEY: fresh(),
  SESSION_SECRET: fresh(),
  OPERATIONS_TOKEN: fresh(),
})

/** Judged before anything is written: `check` takes what stands there afterwards. */
async function isGood(folder: string, env: Variables, io: CliIo): Promise<boolean> {
  try {
    await plan(readManifest({ cwd: folder, env }), builtInSources())
    return true
  } catch (error) {
    const faults = faultsOf(error)
    printFaults(faults, io)
    if (io.json) io.out(JSON.stringify({ faults }))
    else io.err('Nothing was written.')
    return false
  }
}

interface Written {
  readonly file: string
  readonly what: 'written' | 'replaced' | 'kept'
}

function write(folder: string, variables: Variables, force: boolean): readonly Written[] {
  mkdirSync(join(folder, 'config'), { recursive: true })
  const env = join(folder, '.env')
  const what = existsSync(env) ? 'replaced' : 'written'
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`)
  writeFileSync(env, `# Every other variable: docs/configuration.md\n${lines.join('')}`, {
    mode: 0o600,
  })
  chmodSync(env, 0o600) // the mode of a file that was there stays as it was
  return [{ file: '.env', what }, ...manifests.map((name) => copy(folder, `config/${name}`, force))]
}

function copy(folder: string, file: string, force: boolean): Written {
  const from = fileURLToPath(new URL(file, packageRoot()))
  const to = join(folder, file)
  const isThere = existsSync(to)
  if (to === from || (isThere && !force)) return { file, what: 'kept' }
  copyFileSync(from, to)
  return { file, what: isThere ? 'replaced' : 'written' }
}

const told = (files: readonly Written[], folder: string): string =>
  [
    ...files.map(({ file, what }) => `  ${what.padEnd(8)}  ${file}`),
    '',
    'Next',
    ...(folder === '' ? [] : [`  cd ${folder}`]),
    '  autodocops check',
    '  autodocops start',
  ].join('\n')

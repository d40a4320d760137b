import { createHmac, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { isProblem, problems } from '../errors.ts'
import { Secret } from '../secret.ts'

const E = problems({
  secrets_file_broken: {
    status: 500,
    title: 'Generated secrets cannot be read',
    detail: ({ file }: { file: string }) => `${file} is not what this server has written`,
    hint: 'Restore it, or delete it: new secrets are made, and tokens and sessions end.',
  },
  secrets_not_kept: {
    status: 500,
    title: 'Generated secrets cannot be kept',
    detail: ({ name, reason }: { name: string; reason: string }) =>
      `a secret for '${name}' was to be generated and kept: ${reason}`,
    hint: 'Name a folder that this user may write by DATA_DIR, or set the secret itself.',
  },
})

/**
 * A secret that nobody set in development. `dataDir/secrets.json` (0600) holds one random root, written
 * once and never changed; each secret is derived from it by its name. So processes that race for one, or
 * for different ones, agree, and no update can be lost.
 */
export function generatedSecret(dataDir: string, name: string): Secret {
  const file = join(dataDir, 'secrets.json')
  const root = rootIn(dataDir, file, name)
  return new Secret(createHmac('sha512', root).update(name).digest('base64url'))
}

function rootIn(dataDir: string, file: string, name: string): string {
  try {
    return readRoot(file) ?? makeRoot(dataDir, file)
  } catch (cause) {
    if (isProblem(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw E.secrets_not_kept({ name, reason }, { cause })
  }
}

function readRoot(file: string): string | undefined {
  const text = readText(file)
  if (text === undefined) return undefined
  try {
    const { root } = JSON.parse(text) as { readonly root?: unknown }
    if (typeof root === 'string' && root.length >= 32) return root
  } catch (cause) {
    throw E.secrets_file_broken({ file }, { cause })
  }
  throw E.secrets_file_broken({ file })
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** A link appears whole or not at all, and never replaces one that is there: the first process wins. */
function makeRoot(dataDir: string, file: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const root = randomBytes(48).toString('base64url')
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, `${JSON.stringify({ root }, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, file)
    return root
  } catch (error) {
    const theirs = codeOf(error) === 'EEXIST' ? readRoot(file) : undefined
    if (theirs === undefined) throw error
    return theirs
  } finally {
    rmSync(draft, { force: true })
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

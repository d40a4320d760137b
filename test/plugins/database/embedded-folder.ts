import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { PGlite } from '@electric-sql/pglite'

import { root } from '../../harness/root.ts'

const template = join(root, '.cache', 'pglite-template-0.5.14')

/** A data folder with an empty embedded database, copied from one that is made once: 6 s become 0.1 s. */
export async function embeddedFolder(): Promise<string> {
  if (!existsSync(template)) await makeTemplate()
  const dataDir = await mkdtemp(join(tmpdir(), 'ado-'))
  await cp(template, join(dataDir, 'pglite', 'data'), { recursive: true })
  return dataDir
}

/** Made beside and renamed, since test files run at once. */
async function makeTemplate(): Promise<void> {
  await mkdir(dirname(template), { recursive: true })
  const making = `${template}.${String(process.pid)}`
  const db = await PGlite.create(making)
  await db.close()
  await rename(making, template).catch(() => rm(making, { recursive: true }))
}

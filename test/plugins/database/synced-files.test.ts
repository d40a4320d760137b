import { fsyncSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { PGlite } from '@electric-sql/pglite'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { SyncedFiles } from '../../../plugins/database/synced-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'synced-'))

test.after(() => rmSync(folder, { recursive: true }))

test('a commit is answered after its bytes were synced', async () => {
  const synced: number[] = []
  const files = new SyncedFiles(join(folder, 'data'), (descriptor) => {
    fsyncSync(descriptor)
    synced.push(descriptor)
  })
  const db = await PGlite.create({ fs: files, startParams: [...SyncedFiles.startParams] })
  await db.exec('create table kept (number int)')

  for (let commit = 1; commit <= 10; commit++) {
    synced.length = 0
    await db.query('insert into kept values ($1)', [commit])
    assert.ok(synced.length > 0, `commit ${String(commit)} synced nothing`)
  }

  await db.close()
})

test.run()

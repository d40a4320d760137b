import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A folder as a plugin ships it, with what `tsc` leaves beside the modules. */
export async function migrationFolder(files: Readonly<Record<string, string>>): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  const all = {
    'package.json': '{ "type": "module" }',
    '0001-create.d.ts': 'export declare const up: unknown',
    '0001-create.js.map': '{}',
    ...files,
  }
  for (const [name, text] of Object.entries(all)) await writeFile(join(folder, name), text)
  return pathToFileURL(`${folder}/`)
}

export const running = (...statements: readonly string[]): string =>
  `export const up = async (knex) => {
    ${statements.map((sql) => `await knex.raw(${JSON.stringify(sql)})`).join('\n')}
  }`

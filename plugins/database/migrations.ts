import { readdir } from 'node:fs/promises'

import type { Knex } from 'knex'

export interface Migration {
  /** The file without its extension: the same in source and in dist. */
  readonly name: string
  readonly up: (knex: Knex) => Promise<unknown>
}

/** A folder of modules that export `up(knex)`, in the order of their names. There is no way down. */
export async function migrationsIn(directory: URL): Promise<readonly Migration[]> {
  const files = (await readdir(directory)).filter(isModule).toSorted()
  return Promise.all(files.map((file) => load(new URL(file, directory))))
}

/** A compiled folder also holds `.d.ts` and `.map`. */
const isModule = (file: string): boolean => /\.[jt]s$/.test(file) && !file.endsWith('.d.ts')

export const nameOf = (file: URL): string =>
  decodeURIComponent(file.pathname.split('/').at(-1) ?? '').replace(/\.[jt]s$/, '')

async function load(file: URL): Promise<Migration> {
  const { up } = (await import(file.href)) as { up?: unknown }
  if (typeof up !== 'function') throw new TypeError(`${file.href} exports no function 'up'`)
  return { name: nameOf(file), up: up as Migration['up'] }
}

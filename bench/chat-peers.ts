/** Programs of others: with their own dependencies, in folders of their own, installed when first needed. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

export interface Peer {
  readonly name: string
  readonly packages: Readonly<Record<string, string>>
}

/** 1.15.2 asks for any hono 4, and its streams break on the later ones. */
export const portkey: Peer = {
  name: 'portkey',
  packages: {
    '@portkey-ai/gateway': '1.15.2',
    hono: '4.9.7',
    '@hono/node-server': '1.13.5',
  },
}

export const hono: Peer = {
  name: 'hono',
  packages: { hono: '4.13.19', '@hono/node-server': '1.19.19' },
}

/** Where a module of that peer is, as a URL; a version that changed is another folder. */
export async function moduleOf({ name, packages }: Peer, module: string): Promise<string> {
  const versions = Object.values(packages).join('-')
  const folder = fileURLToPath(new URL(`../.cache/peers/${name}-${versions}/`, import.meta.url))
  // npm writes this file last.
  if (!existsSync(join(folder, 'node_modules/.package-lock.json'))) {
    process.stderr.write(`Installing ${name} into .cache/peers (once) …\n`)
    await mkdir(folder, { recursive: true })
    const manifest = { private: true, dependencies: packages, overrides: packages }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
    })
  }
  return pathToFileURL(createRequire(folder).resolve(module)).href
}

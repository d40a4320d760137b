import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What the page loads, by name, with its media type. The files stand beside this one, also in the package. */
export const assetTypes = {
  'style.css': 'text/css; charset=utf-8',
  'operation.css': 'text/css; charset=utf-8',
  'script.js': 'text/javascript; charset=utf-8',
  'request.js': 'text/javascript; charset=utf-8',
  'reply.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

export type AssetName = keyof typeof assetTypes

export const assetNames = Object.keys(assetTypes) as [AssetName, ...AssetName[]]

/** Read when the first page is made, not at boot. */
export class Assets {
  #read: { readonly texts: ReadonlyMap<string, string>; readonly version: string } | undefined

  text(name: AssetName): string {
    return this.#files().texts.get(name) ?? ''
  }

  /** Of all of them together: it stands in their address, so they may be kept for good. */
  get version(): string {
    return this.#files().version
  }

  #files() {
    if (this.#read !== undefined) return this.#read
    const texts = new Map(assetNames.map((name) => [name, textOf(name)]))
    const hash = createHash('sha256').update([...texts.values()].join('\0'))
    return (this.#read = { texts, version: hash.digest('base64url').slice(0, 12) })
  }
}

const textOf = (name: AssetName): string =>
  readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const above = (folder: URL): URL =>
  existsSync(new URL('package.json', folder)) ? folder : above(new URL('..', folder))

/** The folder of package.json, from the sources and from `dist/` alike. Ends with a slash. */
export const rootUrl = above(new URL('.', import.meta.url))
export const root = fileURLToPath(rootUrl)

/** This file was compiled by tsc: run the server from `dist/` too. */
export const isCompiled = import.meta.url.endsWith('.js')
export const isDeno = 'Deno' in globalThis

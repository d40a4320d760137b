import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { parse } from 'yaml'

import { root } from '../harness/root.ts'

export interface Service {
  readonly image?: string
  readonly user?: string
  readonly init?: boolean
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly restart?: string
  readonly command?: readonly string[]
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly secrets?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly healthcheck?: {
    readonly test?: readonly string[]
    readonly disable?: boolean
  }
  readonly stop_grace_period?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

export const read = (path: string): string => readFileSync(join(root, path), 'utf8')

export const yamlOf = (path: string): unknown => parse(read(path), { merge: true })

export const production = yamlOf('docker-compose.yml') as Compose
export const development = yamlOf('docker-compose.override.yml') as Compose

/** As compose reads it: `${NAME}`, `${NAME:-default}`, `$$` for a dollar. */
export const interpolate = (
  text: string,
  env: Readonly<Record<string, string | undefined>> = {},
): string =>
  text.replaceAll(
    /\$(?:\$|\{(\w+)(?::-([^}]*))?\})/g,
    (_all, name: string | undefined, preset = '') =>
      name === undefined ? '$' : env[name] || String(preset),
  )

/** What a service finds in its environment, of the base file and of those that are laid over it. */
export function environmentOf(
  service: string,
  files: readonly Compose[],
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const layers = files.map((file) => file.services[service]?.environment ?? {})
  const merged = Object.entries(Object.assign({}, ...layers) as Record<string, string | number>)
  return Object.fromEntries(merged.map(([name, value]) => [name, interpolate(String(value), env)]))
}

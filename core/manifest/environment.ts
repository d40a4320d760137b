import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { readDotenv } from './dotenv.ts'
import type { LeafFault } from './tree.ts'

type Variables = Readonly<Record<string, string | undefined>>

export interface Found {
  /** Never empty: an empty variable is as good as none. */
  readonly value: string
  readonly origin: string
}

/**
 * The environment, and `.env` below it, which never overrides it. `V_FILE` names a file that holds the
 * value of `V`, as in the official Docker images; the two together are a fault.
 */
export class Environment {
  readonly #cwd: string
  readonly #layers: readonly (readonly [origin: string, variables: Variables])[]

  constructor(cwd: string, env: Variables) {
    this.#cwd = cwd
    this.#layers = [
      ['env', env],
      ['.env', readDotenv(cwd)],
    ]
  }

  get(name: string): Found | LeafFault | undefined {
    for (const [layer, variables] of this.#layers) {
      const [value, file] = [variables[name], variables[`${name}_FILE`]]
      if (value && file) return conflict(name, layer)
      if (value) return { value, origin: originOf(layer, name) }
      if (file) return this.#read(name, file, layer)
    }
    return undefined
  }

  /** The value alone: for the few variables that steer the reading itself. */
  text(name: string): string | undefined {
    const found = this.get(name)
    return found !== undefined && 'value' in found ? found.value : undefined
  }

  #read(name: string, file: string, layer: string): Found | LeafFault | undefined {
    const origin = `the file named by ${originOf(layer, `${name}_FILE`)}`
    try {
      const value = readFileSync(resolve(this.#cwd, file), 'utf8').replace(/\r?\n$/, '')
      return value === '' ? unreadable(name, 'is empty') : { value, origin }
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'no file name'
      return unreadable(name, `cannot be read (${reason})`)
    }
  }
}

const originOf = (layer: string, name: string): string =>
  layer === 'env' ? `env ${name}` : `${name} in ${layer}`

const conflict = (name: string, layer: string): LeafFault => ({
  code: 'E_ENV_CONFLICT',
  message: `both ${name} and ${name}_FILE are set in ${layer === 'env' ? 'the environment' : layer}`,
  hint: 'unset one of them',
})

const unreadable = (name: string, why: string): LeafFault => ({
  code: 'E_SECRET_FILE',
  message: `the file named by ${name}_FILE ${why}`,
  hint: `correct ${name}_FILE, or set ${name} instead`,
})

import type { Environment } from './environment.ts'
import type { LeafFault } from './tree.ts'

export interface Interpolated {
  readonly text: string
  readonly origin: string | undefined
  readonly faults: readonly LeafFault[]
}

/** `$${` escapes; `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${NAME:+alternative}`; or a broken one. */
const pattern = /\$\$\{|\$\{([A-Za-z_]\w*)(?::([-?+])([^}]*))?\}|\$\{([A-Za-z_]\w*)?/g

export const isInterpolated = (text: string): boolean => text.includes('${')

/** Only text, no expressions. An unset variable and an empty one are the same. */
export function interpolate(text: string, environment: Environment): Interpolated {
  const origins: string[] = []
  const faults: LeafFault[] = []
  const result = text.replace(
    pattern,
    (match, name?: string, operator?: string, argument = '', broken?: string) => {
      if (match === '$${') return '${'
      if (name === undefined) {
        faults.push(unreadable(broken))
        return ''
      }
      const found = environment.get(name)
      if (found !== undefined && 'code' in found) {
        faults.push(found)
        return ''
      }
      if (operator === '+') {
        origins.push(`the manifest, beside ${name}`)
        return found === undefined ? '' : argument
      }
      if (found !== undefined) {
        origins.push(found.origin)
        return found.value
      }
      if (operator === '-') origins.push(`the manifest, the default of ${name}`)
      else faults.push(missing(name, operator === '?' ? argument : ''))
      return argument
    },
  )
  return { text: result, origin: origins.length === 0 ? undefined : unique(origins), faults }
}

const unique = (origins: readonly string[]): string => [...new Set(origins)].join(' and ')

const missing = (name: string, message: string): LeafFault => ({
  code: 'E_ENV_MISSING',
  message: message === '' ? `environment variable ${name} is not set` : `${name}: ${message}`,
  hint: `set ${name}, or write \${${name}:-default}`,
})

/** Names the variable at most: what follows may be a secret. */
const unreadable = (name: string | undefined): LeafFault => ({
  code: 'E_SYNTAX',
  message: `an interpolation${name === undefined ? '' : ` of ${name}`} cannot be read`,
  hint: 'write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+alternative}; $${ is a plain ${',
})

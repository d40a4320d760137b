import { inspect } from 'node:util'
import * as z from 'zod'

const brand = Symbol.for('autodocops.secret')
const ruleKey = Symbol.for('autodocops.secret-rule')

/** A value that must not be printed: every way to turn it into text gives `[redacted]`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  get [brand](): true {
    return true
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[redacted]'
  }

  toJSON(): string {
    return '[redacted]'
  }

  [inspect.custom](): string {
    return '[redacted]'
  }
}

export interface SecretRule {
  /** Shorter ones are a fault. */
  readonly minBytes?: number
  /**
   * The plugin cannot do without one: when absent, development makes a random one once and keeps it
   * in `dataDir/secrets.json`, production refuses to start. Only for top-level keys of a plugin's config.
   */
  readonly generated?: boolean
}

/** By brand, not by class: a plugin from outside may bring a copy of this package. */
export const isSecret = (value: unknown): value is Secret =>
  typeof value === 'object' && value !== null && brand in value

/** What {@link secret} was given, for the plan (generated secrets, sample values) and the schema generator. */
export const secretRuleOf = (schema: object): SecretRule | undefined =>
  (schema as { readonly [ruleKey]?: SecretRule })[ruleKey]

/** Text in the manifest, a {@link Secret} in the config. Messages never hold the value. */
export function secret(rule: SecretRule = {}): z.ZodType<Secret, string> {
  const { minBytes = 1 } = rule
  const text = z.string().refine((value) => Buffer.byteLength(value) >= minBytes, {
    error: `must have at least ${minBytes} bytes`,
  })
  const schema = text.transform((value) => new Secret(value))
  Object.defineProperty(schema, ruleKey, { value: rule })
  return schema as unknown as z.ZodType<Secret, string>
}

import { secretRule, visit } from '../manifest/schema-walk.ts'
import { pathText } from '../manifest/tree.ts'
import type { Plan, PlannedPlugin } from '../plan.ts'
import type { Finding } from '../plugin.ts'
import { isSecret } from '../secret.ts'

/** Of 32 random bytes in any spelling, fewer different characters never come. */
const fewCharacters = 10
const strongBytes = 32
const check = 'strength of secrets'

/** Secrets that are long enough for their schema, and yet easy to guess; and those that nobody gave. */
export async function examineSecrets(plan: Plan, production: boolean): Promise<readonly Finding[]> {
  const perPlugin = await Promise.all(plan.plugins.map(weakIn))
  const { operationsToken } = plan.server
  const own = isWeak(operationsToken) ? ['server.operationsToken'] : []
  const weak = [...own, ...perPlugin.flat()]
  if (weak.length > 0) return [weakness(weak, production)]
  const made = plan.plugins.flatMap(({ name, generates }) =>
    generates.map((key) => `plugins.${name}.config.${key}`),
  )
  if (made.length === 0) return [{ check, verdict: 'ok', saw: 'none can be guessed' }]
  const saw = `${made.join(', ')}: made for development, refused in production`
  return [{ check, verdict: 'ok', saw }]
}

function weakness(paths: readonly string[], production: boolean): Finding {
  const saw = `easy to guess: ${paths.join(', ')}`
  const fix = 'make new ones: openssl rand -base64 48'
  return { check, verdict: production ? 'failed' : 'warning', saw, fix }
}

async function weakIn({ name, config, source }: PlannedPlugin): Promise<readonly string[]> {
  const found = [...visit(await source.loadConfig(), config)]
    .filter(({ schema }) => (secretRule(schema)?.minBytes ?? 0) >= strongBytes)
    .filter(({ value }) => isWeak(value))
    .map(({ path }) => pathText(['plugins', name, 'config', ...path]))
  return [...new Set(found)]
}

const isWeak = (value: unknown): boolean =>
  isSecret(value) && new Set(value.reveal()).size < fewCharacters

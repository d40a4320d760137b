import type { Clock } from 'autodocops'

import { Breaker } from './breaker.ts'
import { isAzure } from './config.ts'
import type { ChatConfig } from './config.ts'
import { ChatErrors } from './errors.ts'
import type { NamedModel, Target } from './gateway.ts'
import type { Model } from './model.ts'
import { FakeModel } from './model-fake.ts'
import { OpenAiModel } from './model-openai.ts'

export const openAiUrl = 'https://api.openai.com/v1'
const openAiModel = 'gpt-4o-mini'

type TargetConfig = ChatConfig['models'][string]['targets'][number]

/** Without a key and a base URL anywhere there is nobody to ask but the fake. */
export const isFake = (config: ChatConfig): boolean =>
  config.fake ??
  (config.apiKey === undefined &&
    config.baseUrl === undefined &&
    Object.values(config.models).every(({ targets }) =>
      targets.every(({ apiKey, baseUrl }) => apiKey === undefined && baseUrl === undefined),
    ))

/** The models of the config by the name that clients use; the first one is the default. */
export class Models {
  readonly #byName: ReadonlyMap<string, NamedModel>
  readonly #defaultName: string

  constructor({ config, clock }: { readonly config: ChatConfig; readonly clock: Clock }) {
    const named = Object.entries(namedModels(config))
    this.#byName = new Map(
      named.map(([name, { targets, ...rest }]) => [
        name,
        { name, ...rest, targets: targets.map((target) => toTarget(config, target, clock)) },
      ]),
    )
    this.#defaultName = config.model ?? named[0]?.[0] ?? ''
  }

  /** The default one for `undefined`. Throws 404. */
  find(name: string | undefined): NamedModel {
    const found = this.#byName.get(name ?? this.#defaultName)
    if (found === undefined) throw ChatErrors.model_not_found({ model: String(name).slice(0, 100) })
    return found
  }

  list(): readonly NamedModel[] {
    return [...this.#byName.values()]
  }

  async close(): Promise<void> {
    const targets = this.list().flatMap((named) => named.targets)
    await Promise.all(targets.map(({ model }) => model.close()))
  }
}

/** Without `models` there is one: the model of the environment. */
function namedModels(config: ChatConfig): ChatConfig['models'] {
  if (Object.keys(config.models).length > 0) return config.models
  const model = config.model ?? (isFake(config) ? 'fake' : openAiModel)
  const price = { input: 0, output: 0 }
  return {
    [model]: {
      targets: [{ model }],
      maxInputTokens: 100_000,
      maxOutputTokens: 4_096,
      price,
      plans: undefined,
    },
  }
}

const toTarget = (config: ChatConfig, target: TargetConfig, clock: Clock): Target => ({
  model: isFake(config) ? new FakeModel({ delayMs: config.fakeDelay }) : real(config, target),
  breaker: new Breaker(clock),
})

function real(config: ChatConfig, target: TargetConfig): Model {
  const baseUrl = target.baseUrl ?? config.baseUrl
  // The general key is not sent to a target's own server.
  const apiKey = target.apiKey ?? (target.baseUrl === undefined ? config.apiKey : undefined)
  const provider = isAzure(baseUrl) ? 'azure' : 'openai'
  const { includeUsage, requireFinish, maxTokensParam } = target.compat ?? config.compat
  // Only OpenAI's own servers are known to take the newer name.
  const isTheirs = baseUrl === undefined || provider === 'azure'
  return new OpenAiModel({
    provider,
    model: target.model,
    baseUrl: baseUrl ?? openAiUrl,
    apiKey: apiKey?.reveal(),
    apiVersion: target.apiVersion ?? config.apiVersion,
    includeUsage,
    requireFinish,
    maxTokensParam: maxTokensParam ?? (isTheirs ? 'max_completion_tokens' : 'max_tokens'),
    connectMs: config.timeouts.connect,
  })
}

/** What it runs on, in a few words. */
export function describeModels(config: ChatConfig): string {
  const names = Object.keys(namedModels(config)).join(', ')
  if (isFake(config)) return `fake model (no key needed): ${names}`
  const host = new URL(config.baseUrl ?? openAiUrl).host
  return `${names} at ${host}`
}

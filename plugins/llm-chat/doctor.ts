import type { Examination, Finding, Secret, ServerFacts } from 'autodocops'

import { isAzure } from './config.ts'
import type { ChatConfig } from './config.ts'
import { isFake, openAiUrl } from './models.ts'

interface Needs {
  readonly config: ChatConfig
  readonly server: Pick<ServerFacts, 'production'>
}

interface Place {
  readonly baseUrl: string
  readonly apiKey: Secret | undefined
}

/** Is there a model, with a key? Asked, by a list of its models that costs nothing, with `--online` only. */
export async function examine(
  { config, server }: Needs,
  { online, signal }: Examination,
): Promise<readonly Finding[]> {
  if (isFake(config)) return [fakeIn(server.production)]
  const places = placesOf(config)
  const examined = places.map(async (place): Promise<Finding> => {
    const { hostname } = new URL(place.baseUrl)
    const check = `model at ${hostname}`
    const unfit = unfitness(place)
    if (unfit !== undefined) return { check, verdict: 'failed', ...unfit }
    if (!online) return { check, verdict: 'ok', saw: 'set up; asked with --online only' }
    return ask(check, place, config.apiVersion, signal)
  })
  return Promise.all(examined)
}

function fakeIn(production: boolean): Finding {
  const seen = { check: 'model', saw: 'a fake one: its answers are made up' }
  if (!production) return { ...seen, verdict: 'ok' }
  const fix = 'set OPENAI_API_KEY or OPENAI_API_BASE, and USE_FAKE_LLM=false'
  return { ...seen, verdict: 'warning', fix }
}

/** Each once; the general key is not for a target's own server. */
function placesOf({ models, baseUrl, apiKey }: ChatConfig): readonly Place[] {
  const targets = Object.values(models).flatMap((model) => model.targets)
  const general = { baseUrl: baseUrl ?? openAiUrl, apiKey }
  const places = targets.map((target) => ({
    baseUrl: target.baseUrl ?? general.baseUrl,
    apiKey: target.apiKey ?? (target.baseUrl === undefined ? apiKey : undefined),
  }))
  const all = places.length === 0 ? [general] : places
  return [...new Map(all.map((place) => [place.baseUrl, place])).values()]
}

function unfitness({ baseUrl, apiKey }: Place) {
  const { hostname, protocol } = new URL(baseUrl)
  const needsKey = hostname === 'api.openai.com' || isAzure(baseUrl)
  if (needsKey && apiKey === undefined) {
    return { saw: 'there is no key for it', fix: 'set OPENAI_API_KEY' }
  }
  if (needsKey && protocol === 'http:') {
    return { saw: 'the key would go over http', fix: 'write https:// in OPENAI_API_BASE' }
  }
  return undefined
}

async function ask(
  check: string,
  { baseUrl, apiKey }: Place,
  apiVersion: string,
  signal: AbortSignal,
): Promise<Finding> {
  const key = apiKey?.reveal()
  const base = baseUrl.replace(/\/+$/, '')
  const azure = isAzure(baseUrl)
  const url = azure ? `${base}/openai/models?api-version=${apiVersion}` : `${base}/models`
  const credential = azure ? { 'api-key': key ?? '' } : { authorization: `Bearer ${key ?? ''}` }
  try {
    const headers = key === undefined ? {} : credential
    const { status, ok } = await fetch(url, { headers, signal, redirect: 'manual' })
    if (ok) return { check, verdict: 'ok', saw: 'answers' }
    const refuses = status === 401 || status === 403
    const fix = refuses ? 'set OPENAI_API_KEY to a key that it takes' : 'mend OPENAI_API_BASE'
    return { check, verdict: 'failed', saw: `answers ${status}`, fix }
  } catch {
    const fix = 'mend OPENAI_API_BASE, or let this machine reach it'
    return { check, verdict: 'failed', saw: 'cannot be reached', fix }
  }
}

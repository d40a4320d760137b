import { byteSize, duration, secret } from 'autodocops'
import * as z from 'zod'

const count = () => z.int().min(1)

/** How a server that speaks OpenAI's protocol differs from OpenAI. */
const compat = z.strictObject({
  includeUsage: z
    .boolean()
    .default(true)
    .describe('Ask for the usage at the end of a stream (`stream_options.include_usage`).'),
  requireFinish: z
    .boolean()
    .default(true)
    .describe('An end without `finish_reason` is a failure. False: `[DONE]` alone is an end.'),
  maxTokensParam: z
    .enum(['max_tokens', 'max_completion_tokens'])
    .optional()
    .describe('Name of the output limit; by the kind of server when absent.'),
})

const target = z.strictObject({
  model: z.string().min(1).describe("The upstream's name of the model; on Azure the deployment."),
  baseUrl: z.url().optional().describe('Another server than `baseUrl`.'),
  apiKey: secret().optional().describe('Another key than `apiKey`.'),
  apiVersion: z.string().optional().describe('Azure only; another one than `apiVersion`.'),
  compat: compat.optional().describe('Another one than `compat`.'),
})

const namedModel = z.strictObject({
  targets: z.array(target).min(1).describe('Asked in this order; the next one when one fails.'),
  maxInputTokens: count().default(100_000).describe('Longer questions are refused with 400.'),
  maxOutputTokens: count().default(4_096).describe('Longest answer, in tokens.'),
  price: z
    .strictObject({
      input: z.number().min(0).describe('USD for a million input tokens.'),
      output: z.number().min(0).describe('USD for a million output tokens.'),
    })
    .default({ input: 0, output: 0 })
    .describe('For the metric `llm_cost_usd_total`.'),
  plans: z.array(z.string()).optional().describe('Plans that may use it; all when absent.'),
})

const planLimits = {
  concurrent: count().describe('Answers of one user at the same time.'),
  requestsPerMinute: count().describe('Questions of one user in a minute.'),
  tokensPerMinute: count().describe('Tokens of one user in a minute, in and out.'),
  tokensPerMonth: count().describe('Used when billing is off or does not answer.'),
}

const limits = z.strictObject({
  concurrent: planLimits.concurrent.default(4),
  requestsPerMinute: planLimits.requestsPerMinute.default(20),
  tokensPerMinute: planLimits.tokensPerMinute.default(100_000),
  tokensPerMonth: planLimits.tokensPerMonth.default(1_000_000),
  plans: z
    .record(z.string(), z.strictObject(planLimits).partial())
    .default({})
    .describe('Other limits for a plan of the billing plugin: `{ pro: { concurrent: 16 } }`.'),
  streams: count().default(1_000).describe('Answers of one instance at the same time; then 503.'),
  bodyBytes: byteSize().prefault('256KiB').describe('Largest request.'),
  answerBytes: byteSize()
    .prefault('1MiB')
    .describe('Largest answer of `POST /chat`, in a conversation, or resumable; longer ones fail.'),
  messages: count().default(200).describe('Most messages of one request.'),
})

const timeouts = z.strictObject({
  connect: duration().prefault('5s').describe('To reach a model.'),
  firstToken: duration().prefault('60s').describe('From the question to the first token.'),
  idle: duration().prefault('30s').describe('Longest silence of a model between two chunks.'),
  total: duration().prefault('10m').describe('Longest life of an answer.'),
  slowClient: duration()
    .prefault('60s')
    .describe('A reader that takes nothing for so long is cut.'),
  headers: duration()
    .prefault('10s')
    .describe('Without a first token by then, an event stream opens with a heartbeat.'),
  heartbeat: duration()
    .prefault('15s')
    .describe('Silence after which an event stream gets a comment.'),
})

const resume = z.strictObject({
  grace: duration().prefault('30s').describe('How long an answer goes on with nobody reading.'),
  keep: duration().prefault('10m').describe('How long an answer can be read again after its end.'),
  outage: duration()
    .prefault('60s')
    .describe('How long a reader on another instance waits for a Redis that does not answer.'),
})

export const config = z
  .strictObject({
    fake: z
      .boolean()
      .optional()
      .describe('A model that needs no key. When absent: true without `apiKey` and `baseUrl`.')
      .meta({ env: 'USE_FAKE_LLM' }),
    fakeDelay: duration().prefault('20ms').describe('Pause of the fake model between two tokens.'),
    apiKey: secret()
      .optional()
      .describe('Key of OpenAI, Azure OpenAI or a compatible server.')
      .meta({ env: 'OPENAI_API_KEY' }),
    baseUrl: z
      .url()
      .optional()
      .describe('OpenAI when absent; an Azure host selects Azure; else any compatible server.')
      .meta({ env: 'OPENAI_API_BASE' }),
    model: z
      .string()
      .min(1)
      .optional()
      .describe('The model, or Azure deployment; with `models` the name of the default one.')
      .meta({ env: 'OPENAI_MODEL' }),
    apiVersion: z
      .string()
      .default('2024-10-21')
      .describe('API version of Azure.')
      .meta({ env: 'OPENAI_API_VERSION' }),
    models: z
      .record(z.string().regex(/^[\w.:/-]{1,100}$/), namedModel)
      .default({})
      .describe('Models by the name that clients ask for.'),
    compat: compat.prefault({}).describe('For servers that differ from OpenAI.'),
    limits: limits.prefault({}).describe('What one user, and one instance, may do.'),
    timeouts: timeouts.prefault({}).describe('Every wait has an end.'),
    resume: resume.prefault({}).describe('Answers asked for with `resumable: true`.'),
  })
  .superRefine((value, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (value.fake === false && value.apiKey === undefined && value.baseUrl === undefined) {
      const hasOwn = Object.values(value.models).every((model) =>
        model.targets.every((entry) => entry.apiKey !== undefined || entry.baseUrl !== undefined),
      )
      if (!hasOwn || Object.keys(value.models).length === 0)
        fault('fake', 'is false, and there is neither apiKey nor baseUrl to reach a real model')
    }
    const names = Object.keys(value.models)
    if (value.model !== undefined && names.length > 0 && !names.includes(value.model))
      fault('model', `is none of models: ${names.join(', ')}`)
    if (value.fake !== true && names.length === 0 && isAzure(value.baseUrl) && !value.model)
      fault('model', 'is required with Azure: the name of the deployment')
  })

export type ChatConfig = z.output<typeof config>

/** The hosts on which Azure serves OpenAI models. */
export const isAzure = (baseUrl: string | undefined): boolean =>
  baseUrl !== undefined &&
  /\.(openai|cognitiveservices)\.azure\.com$/i.test(new URL(baseUrl).hostname)

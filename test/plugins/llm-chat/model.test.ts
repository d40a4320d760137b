import type { FailureKind } from '../../../plugins/llm-chat/failure.ts'
import { FakeModel } from '../../../plugins/llm-chat/model-fake.ts'
import { OpenAiModel } from '../../../plugins/llm-chat/model-openai.ts'
import type { OpenAiOptions } from '../../../plugins/llm-chat/model-openai.ts'
import { modelConformance } from './model-conformance.ts'
import type { Subject } from './model-conformance.ts'
import { FaultUpstream, wish } from './upstream.ts'

const statuses: Readonly<Record<string, string>> = {
  overloaded: '500',
  rate_limited: '429',
  auth: '401',
}

const overUpstream = (options: Partial<OpenAiOptions>) => async (): Promise<Subject> => {
  const upstream = await new FaultUpstream().start()
  return {
    make: () =>
      new OpenAiModel({
        provider: 'openai',
        model: 'm',
        baseUrl: upstream.url,
        apiKey: 'key',
        apiVersion: '2024-10-21',
        includeUsage: true,
        requireFinish: true,
        maxTokensParam: 'max_completion_tokens',
        connectMs: 1_000,
        ...options,
      }),
    question: ({ fault, at = 3 }) => {
      const content = wish({
        tokens: 10,
        at,
        delayMs: 5,
        ...(fault && { fault: statuses[fault] ?? fault }),
      })
      const body = { messages: [{ role: 'user', content }] }
      return { body, maxOutputTokens: 100, choices: 1 }
    },
    active: () => upstream.active,
    close: () => upstream.stop(),
  }
}

modelConformance('OpenAI', overUpstream({}))
modelConformance('compatible', overUpstream({ apiKey: undefined, maxTokensParam: 'max_tokens' }))

const azure = async (): Promise<Subject> => {
  const upstream = await new FaultUpstream().start()
  const subject = await overUpstream({ provider: 'azure', baseUrl: upstream.url })()
  const close = async () => {
    await subject.close()
    await upstream.stop()
  }
  return { ...subject, close, active: () => upstream.active }
}
modelConformance('Azure OpenAI', azure)

modelConformance('fake', async () => {
  let fault: { at: number; kind: FailureKind | 'stall' } | undefined
  const question: Subject['question'] = (wanted) => {
    const kind = wanted.fault === 'reset' ? 'disconnected' : wanted.fault
    fault = kind === undefined ? undefined : { at: wanted.at ?? 3, kind }
    const body = { messages: [{ role: 'user', content: 'How do I cache?' }] }
    return { body, maxOutputTokens: 1_000, choices: 1 }
  }
  const script = new Proxy([], { get: () => fault })
  return {
    make: () => new FakeModel({ delayMs: 0, script }),
    question,
    active: () => 0,
    close: async () => undefined,
  }
})

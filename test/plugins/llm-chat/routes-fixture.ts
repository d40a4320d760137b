/** The plugin alone, asked through its routes. */
import { testPlugin } from 'autodocops/testing'

import llmChat from '../../../plugins/llm-chat/index.ts'
import { closedAfterwards } from '../../harness/closing.ts'

export const alice = { subject: 'alice' }
export const sse = { accept: 'text/event-stream' }

export type App = Awaited<ReturnType<typeof start>>

/** With a fake model that answers at once, unless the config says otherwise. It is stopped after its test. */
export async function start(config: object = {}, services: object = {}) {
  const app = await testPlugin(llmChat, { config: { fakeDelay: '0ms', ...config }, services })
  return closedAfterwards(app, () => app.stop())
}

export const post = (app: App, url: string, body: unknown, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, as: alice, body, headers })

/** The events of an event stream: name and data. */
export const eventsIn = (text: string) =>
  [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)].map(([, id, event, data]) => ({
    id: Number(id),
    event,
    data: JSON.parse(data ?? '') as Readonly<Record<string, unknown>>,
  }))

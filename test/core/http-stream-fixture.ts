/** Routes that stream, and who reads them to the end. */
import { reply, type RouteRequest } from '../../core/route.ts'
import { open, route } from './http-fixture.ts'

export const text = { 200: { contentType: 'text/plain' } }
export const sse = { 200: { contentType: 'text/event-stream' } }

export type Source = (request: RouteRequest) => AsyncIterable<unknown>

export const streaming = (responses: typeof text, source: Source, more: object = {}, path = '/') =>
  route({
    ...open,
    method: 'GET',
    path,
    responses,
    stream: { idleMs: 2_000, totalMs: 5_000 },
    handler: (_, request) => reply(200, source(request)),
    ...more,
  })

/** All chunks, and whether the end came as it should. */
export async function readAll(response: Response): Promise<{ text: string; complete: boolean }> {
  let got = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) got += decoder.decode(chunk, { stream: true })
    return { text: got, complete: true }
  } catch {
    return { text: got, complete: false }
  }
}

import { listOf } from './fake-fields.ts'
import type { FakeObject } from './fake-state.ts'
import { record } from './json.ts'
import type { Json } from './json.ts'

export const apiVersion = '2026-10-28.endive'

export const eventObject = (
  id: string,
  created: number,
  of: { readonly type: string; readonly object: FakeObject; readonly previous: Json | undefined },
): FakeObject => ({
  id,
  object: 'event',
  api_version: apiVersion,
  created,
  data: { object: of.object, ...(of.previous && { previous_attributes: of.previous }) },
  livemode: false,
  pending_webhooks: 1,
  request: { id: null, idempotency_key: null },
  type: of.type,
})

/** The thin form of a snapshot event: it says what to look at, and which event it is the twin of. */
export function thinTwin(event: FakeObject): FakeObject {
  const object = record(record(event['data'])['object'])
  return {
    id: `${event.id}_thin`,
    object: 'v2.core.event',
    type: `v1.${String(event['type'])}`,
    created: new Date(Number(event['created']) * 1_000).toISOString(),
    livemode: false,
    related_object: {
      id: object['id'],
      type: object['object'],
      url: `/v1/${String(object['object']).replace('.', '/')}s/${String(object['id'])}`,
    },
    snapshot_event: event.id,
  }
}

export const listObject = (url: string, data: readonly FakeObject[], hasMore: boolean) => ({
  ...listOf(url, data),
  has_more: hasMore,
})

/** A plugin with requests of every length, and with faults that nobody catches. */
import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'

import { definePlugin } from 'autodocops'
import * as z from 'zod'

const open = {
  method: 'GET',
  auth: 'public',
  limit: 'none',
  timeoutMs: 20_000,
  tags: ['crowd'],
} as const
const stream = { idleMs: 60_000, totalMs: 600_000 }
const any = { 200: z.unknown() }
/** More than the kernel takes off our hands for a client that does not read. */
const large = Buffer.alloc(20_000_000)

async function* endless(piece: string) {
  for (;;) {
    yield piece
    await sleep(50)
  }
}

// oxlint-disable-next-line import/no-default-export -- what a plugin from outside has
export default definePlugin({
  name: 'crowd',
  version: '1.0.0',
  core: '^1',
  summary: 'Requests of every length',
  config: z.strictObject({ stopHangs: z.boolean().default(false) }),
  stop: ({ config }) =>
    config.stopHangs ? new Promise(() => setInterval(() => {}, 1_000)) : undefined,
  routes: ({ route }) => [
    route({
      ...open,
      path: '/short',
      summary: 'Answers after a while',
      query: z.object({ ms: z.coerce.number() }),
      responses: any,
      handler: async (_, { query: { ms } }) => {
        await sleep(ms)
        return { ok: true }
      },
    }),
    route({
      ...open,
      path: '/events',
      summary: 'Events without end',
      responses: { 200: { contentType: 'text/event-stream' } },
      stream,
      handler: () => endless('data: 1\n\n'),
    }),
    route({
      ...open,
      path: '/words',
      summary: 'Words without end',
      responses: { 200: { contentType: 'text/plain' } },
      stream,
      handler: () => endless('word '),
    }),
    route({
      ...open,
      method: 'POST',
      path: '/upload',
      summary: 'Reads a body',
      body: { raw: true, maxBytes: 65_536 },
      responses: any,
      handler: (_, { body }) => ({ bytes: body.byteLength }),
    }),
    route({
      ...open,
      path: '/large',
      summary: 'Sends more than a socket holds',
      responses: { 200: { contentType: 'application/octet-stream' } },
      handler: () => large,
    }),
    route({
      ...open,
      path: '/reject',
      summary: 'Leaves a promise behind that fails',
      responses: any,
      handler: () => {
        void Promise.reject(new Error('nobody awaited this'))
        return { ok: true }
      },
    }),
    route({
      ...open,
      path: '/throw',
      summary: 'Throws in a timer',
      responses: any,
      handler: () => {
        setTimeout(() => {
          throw new Error('nobody caught this')
        }, 1)
        return { ok: true }
      },
    }),
  ],
  examples: { config: { valid: [{}], invalid: [{ x: 1 }] } },
})

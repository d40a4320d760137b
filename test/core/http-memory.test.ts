/** What a request leaves behind in memory. */
import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { closedAfterwards } from '../harness/closing.ts'
import { until } from '../harness/until.ts'
import { any, open, route, serve } from './http-fixture.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Somebody who takes connections and says nothing, as a database whose pool is idle. */
async function silent(): Promise<number> {
  const server = closedAfterwards(createServer(), (opened) => opened.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a socket and a timer that a request opened keep neither it, its body nor its reply', async () => {
  const port = await silent()
  const kept: { socket: Socket; timer: NodeJS.Timeout }[] = []
  const left: WeakRef<object>[] = []
  const opening = route({
    ...open,
    method: 'POST',
    path: '/',
    body: { schema: z.object({ text: z.string() }), maxBytes: 100_000 },
    responses: any,
    handler: async (_, { body, ctx }) => {
      const socket = closedAfterwards(connect(port, '127.0.0.1'), (opened) => opened.destroy())
      const timer = closedAfterwards(
        setInterval(() => undefined, 1_000),
        clearInterval,
      )
      kept.push({ socket, timer })
      left.push(...[body, ctx, ctx.req, ctx.res].map((part) => new WeakRef(part)))
      await once(socket, 'connect')
      return 'opened'
    },
  })
  const { fetch } = await serve({ routes: [opening] })

  const headers = { 'content-type': 'application/json', connection: 'close' }
  const body = JSON.stringify({ text: 'a'.repeat(50_000) })
  const got = await fetch('/', { method: 'POST', headers, body })
  assert.is(await got.text(), 'opened')
  await until(() => {
    collect()
    return left.every((part) => part.deref() === undefined)
  })

  assert.is(left.length, 4)
  assert.equal(
    kept.map(({ socket }) => socket.readyState),
    ['open'],
  )
})

test.run()

import * as z from 'zod'

import { byteSize, duration } from '../duration.ts'

const count = () => z.int().min(1)

/** What the edge allows: `server.limits` of the manifest. Every value holds on both listeners. */
export const limitsSchema = z.strictObject({
  headersTimeout: duration()
    .prefault('10s')
    .describe('How long a client may take to send its headers; then 408 and the socket is closed.'),
  requestTimeout: duration()
    .prefault('30s')
    .describe('How long a client may take to send its whole request, the body included; then 408.'),
  keepAlive: duration()
    .prefault('65s')
    .describe('How long an idle connection is kept: longer than the 60s of a usual proxy.'),
  socketIdle: duration()
    .prefault('60s')
    .describe('How long a connection with a request may be silent: what cuts a slow reader.'),
  checkInterval: duration()
    .prefault('1s')
    .describe(
      'How often the deadlines of headers and requests are looked at; read when the process starts.',
    ),
  connections: count()
    .prefault(10_000)
    .describe('Open connections of one listener; further ones are dropped.'),
  headerBytes: byteSize().prefault('16KiB').describe('All headers of a request; more is 431.'),
  headerCount: count().prefault(100).describe('Headers of a request; more is 431.'),
  urlBytes: byteSize().prefault('8KiB').describe('The request target; more is 414.'),
  queryParams: count().prefault(50).describe('Parameters of a query; more is 400.'),
  bodyBytes: byteSize()
    .prefault('1MiB')
    .describe('The largest body of any route, whatever the route itself allows; more is 413.'),
  jsonDepth: count().prefault(64).describe('How deep JSON may be nested; more is 400.'),
  inFlight: count()
    .prefault(256)
    .describe(
      'Requests worked on at once, streams and slow clients not counted; more are shed with 503.',
    ),
  streams: count().prefault(1_000).describe('Streams open at once; more are shed with 503.'),
  eventLoopLag: duration()
    .prefault('200ms')
    .describe('A longer delay of the event loop, twice in a row, sheds load.'),
  heapRatio: z
    .number()
    .min(0.1)
    .max(1)
    .prefault(0.9)
    .describe('A fuller heap (share of its limit) sheds load.'),
})

export type Limits = Readonly<z.output<typeof limitsSchema>>

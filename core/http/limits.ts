import * as z from 'zod'

import { byteSize, deadline } from '../duration.ts'

const count = () => z.int().min(1)
const size = () => byteSize().refine((bytes) => bytes > 0, { error: 'must be more than 0B' })

/** What the edge allows: `server.limits` of the manifest. Every value holds on both listeners. */
const options = z.strictObject({
  headersTimeout: deadline()
    .prefault('10s')
    .describe(
      'How long a client may take to send its headers, within requestTimeout; then 408 and the socket is closed.',
    ),
  requestTimeout: deadline()
    .prefault('30s')
    .describe('How long a client may take to send its whole request, the body included; then 408.'),
  keepAlive: deadline()
    .prefault('65s')
    .describe('How long an idle connection is kept: longer than the 60s of a usual proxy.'),
  socketIdle: deadline()
    .prefault('60s')
    .describe('How long a connection with a request may be silent: what cuts a slow reader.'),
  checkInterval: deadline()
    .prefault('1s')
    .describe(
      'How often the deadlines of headers and requests are looked at, at least once within the shorter; read when the process starts.',
    ),
  connections: count()
    .prefault(10_000)
    .describe('Open connections of one listener; further ones are dropped.'),
  headerBytes: size().prefault('16KiB').describe('All headers of a request; more is 431.'),
  headerCount: count().prefault(100).describe('Headers of a request; more is 431.'),
  urlBytes: size().prefault('8KiB').describe('The request target; more is 414.'),
  queryParams: count().prefault(50).describe('Parameters of a query; more is 400.'),
  bodyBytes: size()
    .prefault('1MiB')
    .describe('The largest body of any route, whatever the route itself allows; more is 413.'),
  jsonDepth: count().prefault(64).describe('How deep JSON may be nested; more is 400.'),
  jsonValues: count()
    .prefault(10_000)
    .describe(
      'Members and elements of a JSON body, those of all levels together; more is 413, before it is parsed.',
    ),
  inFlight: count()
    .prefault(256)
    .describe(
      'Requests worked on at once, streams and slow clients not counted; more are shed with 503.',
    ),
  streams: count().prefault(1_000).describe('Streams open at once; more are shed with 503.'),
  eventLoopLag: deadline()
    .prefault('200ms')
    .describe('A longer delay of the event loop, twice in a row, sheds load.'),
  heapRatio: z
    .number()
    .min(0.1)
    .max(1)
    .prefault(0.9)
    .describe('A fuller heap (share of its limit) sheds load.'),
})

/** Two limits that contradict each other are refused: nobody has to find out which one wins. */
export const limitsSchema = options
  .refine(({ headersTimeout, requestTimeout }) => headersTimeout <= requestTimeout, {
    path: ['headersTimeout'],
    error: 'must not be longer than requestTimeout: headers are a part of the request',
  })
  .refine(({ checkInterval, headersTimeout }) => checkInterval <= headersTimeout, {
    path: ['checkInterval'],
    error: 'must not be longer than headersTimeout, or nobody looks in time',
  })

export type Limits = Readonly<z.output<typeof limitsSchema>>

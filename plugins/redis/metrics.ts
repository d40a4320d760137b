import { counter, gauge, histogram, open } from 'autodocops'

import type { RedisService } from './contract.ts'
import { redisCommands, RedisEvents } from './contract.ts'

interface Read {
  readonly redis: RedisService
}

export const metrics = [
  gauge({
    name: 'redis_up',
    help: 'Whether the connection to Redis is up',
    labels: { client: open },
    collect: ({ redis }: Read) =>
      redis.names().map((client) => [{ client }, Number(redis.isUp(client))] as const),
  }),
  {
    known: ({ redis }: Read) => redis.names().map((client) => ({ client })),
    ...counter({
      name: 'redis_reconnects_total',
      help: 'Times that a connection to Redis came back',
      labels: { client: open },
      from: RedisEvents,
      on: { 'redis:reconnected': ({ connection }) => ({ client: connection }) },
    }),
  },
  histogram({
    name: 'redis_command_duration_seconds',
    help: 'Time that a command to Redis took',
    labels: { client: open, command: redisCommands },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    from: RedisEvents,
    on: {
      'redis:command-finished': ({ connection, command, durationMs }) => [
        { client: connection, command },
        durationMs / 1_000,
      ],
    },
  }),
]

import type { Command, CommandIo } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Doctor } from './doctor.ts'
import { eventStatuses, findEvent, listEvents, replayEvent, replayEvents } from './event-log.ts'
import type { EventFilter, LoggedEvent } from './event-log.ts'
import { parse } from './json.ts'
import type { Reconciler } from './reconcile.ts'

interface Services {
  readonly database: DatabaseService
  readonly reconciler: Reconciler
  readonly doctor: Doctor
}

type Args = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** `autodocops billing events list|show|replay`, `billing reconcile`, `billing doctor`. */
export const billing: Command<Services> = {
  summary: 'Webhook events (list, show, replay), reconcile with Stripe, doctor',
  positionals: ['action', '[verb]', '[id]'],
  options: {
    status: { type: 'string', description: 'pending, done, ignored or dead' },
    type: { type: 'string', description: 'Only events of this type' },
    since: { type: 'string', description: 'How far back: 2h, 7d, or a time in ISO 8601' },
    dead: { type: 'boolean', description: 'All that are dead' },
    limit: { type: 'string', description: 'How many to list', default: '50' },
  },
  examples: [
    'autodocops billing events list --status dead',
    'autodocops billing events show evt_1PqR',
    'autodocops billing events replay evt_1PqR',
    'autodocops billing events replay --dead',
    'autodocops billing reconcile --since 7d',
    'autodocops billing doctor',
  ],
  run: (services, args, io) => {
    const { action, verb, id } = args
    if (action === 'doctor' || action === 'reconcile') {
      if (verb !== undefined) return usage(io, tooMuch(verb))
      return action === 'doctor' ? doctor(services, io) : reconcile(services, args, io)
    }
    if (action !== 'events') return usage(io)
    if (verb === 'show') return show(services, args, io)
    if (verb === 'replay') return replay(services, args, io)
    if (verb !== undefined && verb !== 'list') return usage(io)
    return id === undefined ? list(services, args, io) : usage(io, tooMuch(id))
  },
}

const usageCode = 2

const tooMuch = (word: Args[string]) => `'${String(word)}' is one too many`

function usage(io: CommandIo, wrong?: string): number {
  if (wrong !== undefined) io.err(wrong)
  io.err(
    'usage: autodocops billing events [list|show ID|replay ID|replay --dead] | reconcile | doctor',
  )
  return usageCode
}

async function doctor(services: Services, io: CommandIo): Promise<number> {
  const findings = await services.doctor.examine()
  if (io.json) io.out(JSON.stringify({ findings }))
  else for (const { status, check, detail } of findings) io.out(`${status}  ${check}: ${detail}`)
  return findings.some(({ status }) => status === 'fail') ? 1 : 0
}

async function reconcile({ reconciler }: Services, args: Args, io: CommandIo): Promise<number> {
  const since = moment(args['since'])
  if (args['since'] !== undefined && !since) return usage(io, wrongIn(args))
  const found = await reconciler.run(since)
  if (!found) {
    io.err('another instance is reconciling just now')
    return 1
  }
  const { seen, inserted, refetched, drifted } = found
  if (io.json) io.out(JSON.stringify(found))
  else {
    io.out(`${seen} events at Stripe, ${inserted} of them were missing here`)
    io.out(`${refetched} subscriptions looked at, ${drifted} were different`)
  }
  return 0
}

async function list({ database }: Services, args: Args, io: CommandIo): Promise<number> {
  const filter = filterOf(args)
  const limit = Number(args['limit'])
  if (!filter || !Number.isInteger(limit) || limit < 1) return usage(io, wrongIn(args))
  const events = await listEvents(database.knex, filter, { limit })
  if (io.json) io.out(JSON.stringify({ items: events }))
  else for (const event of events) io.out(line(event))
  if (!io.json && events.length === 0) io.err('No events.')
  return 0
}

async function show({ database }: Services, { id }: Args, io: CommandIo): Promise<number> {
  const found = typeof id === 'string' ? await findEvent(database.knex, id) : undefined
  if (!found) return unknownEvent(io, String(id ?? ''))
  const { raw, ...event } = found
  io.out(JSON.stringify({ ...event, payload: parse(raw) }, null, io.json ? undefined : 2))
  return 0
}

function unknownEvent(io: CommandIo, id: string): number {
  io.err(`there is no event '${id}'; autodocops billing events list shows those that came`)
  return 1
}

async function replay({ database }: Services, args: Args, io: CommandIo): Promise<number> {
  const { id } = args
  const filter = filterOf(args)
  const hasFilter = ['status', 'type', 'since', 'dead'].some(
    (name) => args[name] !== undefined && args[name] !== false,
  )
  if (!filter || (typeof id !== 'string' && !hasFilter)) return usage(io, wrongIn(args))
  if (typeof id === 'string' && !(await findEvent(database.knex, id))) return unknownEvent(io, id)
  const replayed =
    typeof id === 'string'
      ? Number(await replayEvent(database.knex, id))
      : await replayEvents(database.knex, filter)
  if (io.json) io.out(JSON.stringify({ replayed }))
  else io.out(`${replayed} will be worked again by the running server`)
  return replayed > 0 ? 0 : 1
}

/** `undefined`: it does not say anything that can be understood. */
function filterOf(args: Args): EventFilter | undefined {
  const wanted = args['dead'] === true ? 'dead' : args['status']
  const status = eventStatuses.find((name) => name === wanted)
  const since = moment(args['since'])
  if ((wanted !== undefined && !status) || (args['since'] !== undefined && !since)) return undefined
  return { status, since, type: typeof args['type'] === 'string' ? args['type'] : undefined }
}

/** The option that cannot be understood, in words. */
function wrongIn(args: Args): string | undefined {
  const { status, since, limit } = args
  if (status !== undefined && !eventStatuses.some((name) => name === status))
    return `--status is '${String(status)}': it is one of ${eventStatuses.join(', ')}`
  if (since !== undefined && !moment(since))
    return `--since is '${String(since)}': 90m, 2h, 7d, or a time in ISO 8601`
  return Number(limit) >= 1 ? undefined : `--limit is '${String(limit)}': a number from 1 on`
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function moment(value: Args[string]): Date | undefined {
  if (typeof value !== 'string') return undefined
  const [, count, unit = ''] = /^(\d+)([mhd])$/.exec(value) ?? []
  const ms =
    count === undefined ? Date.parse(value) : Date.now() - Number(count) * (units[unit] ?? 0)
  return Number.isNaN(ms) ? undefined : new Date(ms)
}

const line = (event: LoggedEvent) =>
  [
    event.receivedAt.toISOString(),
    event.status,
    event.eventId,
    event.type,
    event.subject,
    event.lastError,
  ]
    .filter((part) => part !== null)
    .join('  ')

/** Plugins that each break one rule of the contract, examined by the kit. Their failures are what kit.test.ts reads. */
import { setInterval } from 'node:timers'

import { counter, definePlugin, events, own, reply, secret, service } from 'autodocops'
import type { Plugin } from 'autodocops'
import { conformance } from 'autodocops/testing'
import * as z from 'zod'

import { factsOf } from '../../core/facts.ts'

const Said = events<{ 'offender:said': { word: string } }>('offender')
const open = { auth: 'public', limit: 'none', timeoutMs: 2_000 } as const
const Word = z.object({ word: z.string() })
/** Kept by nobody but a leak. */
const kept: Buffer[][] = []

const good = definePlugin({
  name: 'offender',
  version: '1.0.0',
  core: '^1',
  summary: 'Keeps every rule',
  config: z.strictObject({ key: secret().optional().describe('A key.') }),
  provides: { offender: service('offender').of<object>() },
  internal: { word: own<string>() },
  services: { offender: () => ({}), word: () => 'yes' },
  routes: ({ route }) => [
    route({
      ...open,
      method: 'GET',
      path: '/offender/:id',
      summary: 'A word',
      params: z.object({ id: z.string() }),
      responses: { 200: Word },
      examples: [{ summary: 'One', params: { id: 1 } }],
      handler: ({ word }) => ({ word }),
    }),
  ],
  metrics: [
    counter({
      name: 'offender_words_total',
      help: 'Words.',
      from: Said,
      on: { 'offender:said': () => ({}) },
    }),
  ],
  doctor: () => Promise.resolve([{ check: 'word', verdict: 'ok', saw: 'there' }]),
  examples: { config: { valid: [{}], invalid: [{ key: 1 }] } },
})

const written = factsOf(good)
type Changes = Partial<Plugin>
const answering = (route: object) => ({ routes: () => [route] }) as unknown as Changes
const base = {
  ...open,
  method: 'GET',
  path: '/offender/one',
  summary: 'One',
  responses: { 200: Word },
  examples: [{ summary: 'One' }],
} as const

/** What is changed, by the check that says so. */
const offenders: Readonly<Record<string, Changes>> = {
  'its static facts are what its code says': { version: '2.0.0' },
  'its name is kebab-case': { name: 'Off_Ender', metrics: [] },
  'its version and its core range are semver': { version: '1' },
  'its summary is one line': { summary: '' },
  'what it promises and builds inside is built, and nothing else': {
    services: { offender: () => ({}), word: () => 'x', more: () => 1 },
  },
  'its migrations, if any, stand in a folder of their own': {
    migrations: new URL('file:///migrations'),
  },
  'every command has a summary and an example': {
    commands: { offend: { summary: 'x', examples: [], run: () => 0 } },
  },
  'every example of a command can be pasted': {
    commands: { offend: { summary: 'x', examples: ['offend now'], run: () => 0 } },
  },
  'its valid config examples are accepted': {
    examples: { config: { valid: [{ key: 1 }], invalid: [] } },
  },
  'its invalid config examples are refused': {
    examples: { config: { valid: [{}], invalid: [{}] } },
  },
  'an unknown config key is refused': { config: z.object({}) },
  'every config key is described': { config: z.strictObject({ key: secret().optional() }) },
  'its route table comes from config alone, and is the same each time': {
    routes: () =>
      [{ ...base, path: `/offender/${Math.random()}`, handler: () => ({ word: 'x' }) }] as never,
  },
  'every route has a summary, a documented success and literal or :name segments': answering({
    ...base,
    responses: { 404: Word },
    examples: [],
    handler: () => undefined,
  }),
  'every :name of a path has a schema in params, and nothing else has': answering({
    ...base,
    path: '/offender/:id',
    examples: [],
    handler: () => undefined,
  }),
  'every schema of a route can be shown as JSON Schema': answering({
    ...base,
    responses: { 200: z.date() },
    examples: [],
    handler: () => undefined,
  }),
  'every example of a route fits its schemas': answering({
    ...base,
    query: z.object({ q: z.string() }),
    examples: [{ summary: 'x', skip: 'not sent' }],
    handler: () => undefined,
  }),
  'its examples are answered as it documents: a status and a body that the route names': answering({
    ...base,
    handler: () => reply(200, { word: 7 }),
  }),
  'its metrics carry its prefix, a help text and closed labels': { name: 'other' },
  'its dashboard row, if any, shows its own metrics and all of them': {
    dashboard: { title: 'Offender', panels: [] } as never,
  },
  'every metric is used: an event counts it, or it is collected': {
    metrics: [{ ...good.metrics[0], on: {} }] as never,
  },
  'it starts, is healthy, activates and stops': {
    health: { required: true, checks: { word: () => ({ status: 'fail' }) } },
  },
  'stopping twice is stopping once': { stop: () => Promise.reject(new Error('cannot stop')) },
  'stopped before it was activated, it stops all the same': stopsOnlyWhatWasActive(),
  'built and never started, as for an examination, it stops all the same': stopsOnlyWhatStarted(),
  'started and stopped twice, it leaves no listener, timer or socket': {
    start: () => void setInterval(() => undefined, 60_000),
  },
  'a start that fails at its end leaves no timer or socket, and is told as it failed':
    leavesATimerWhenNotActive(),
  // The core sees to it; it fails only with all that needs a start.
  'an undeclared service is refused by name': {
    start: () => Promise.reject(new Error('cannot start')),
  },
  'every promised service is built': { services: { offender: () => undefined, word: () => 'x' } },
  'its examination, if any, ends in time, and says what to do about what is not well': {
    doctor: () => Promise.resolve([{ check: 'word', verdict: 'failed', saw: 'gone', fix: '' }]),
  },
  'its start tells no secret, neither in its log nor in an error': {
    start: ({
      config,
      log,
    }: {
      config: { key?: { reveal: () => string } }
      log: { info: (text: string) => void }
    }) => log.info(String(config.key?.reveal())),
  } as never,
  'every secret of its config is a Secret, which prints nothing': { config: secretAsText() },
  '50 starts and stops keep the heap': {
    start: () =>
      void kept.push([Buffer.from('x'), ...Array.from({ length: 3_000 }, () => Buffer.from('y'))]),
  },
}

function stopsOnlyWhatStarted(): Changes {
  let started = false
  return {
    start: () => void (started = true),
    stop: () => {
      if (!started) throw new Error('never started')
      started = false
    },
  }
}

function stopsOnlyWhatWasActive(): Changes {
  let isActive = false
  return {
    activate: () => void (isActive = true),
    stop: () => {
      if (!isActive) throw new Error('never active')
      isActive = false
    },
  }
}

function leavesATimerWhenNotActive(): Changes {
  let timer: NodeJS.Timeout | undefined
  return {
    start: () => void (timer = setInterval(() => undefined, 60_000)),
    activate: () => {
      const mine = timer
      timer = undefined
      clearInterval(mine)
    },
    stop: () => undefined,
  }
}

/** A secret that was unpacked too early. */
function secretAsText() {
  return z
    .strictObject({ key: secret().optional().describe('A key.') })
    .transform(({ key }) => ({ key: key?.reveal() }))
}

console.log(JSON.stringify(Object.keys(offenders)))
conformance(good, { facts: written })
for (const [rule, changes] of Object.entries(offenders)) {
  const rounds = rule.includes('heap') ? 50 : 0
  conformance({ ...good, ...changes } as Plugin, { facts: written, rounds, closingMs: 50 })
}

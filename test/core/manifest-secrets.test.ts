import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { secret, type Secret } from 'autodocops'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { isProblem } from '../../core/errors.ts'
import { faultAnnotation, FaultsError, type Fault } from '../../core/manifest/faults.ts'
import { generatedSecret } from '../../core/manifest/generated-secrets.ts'
import { isSampleSecret } from '../../core/manifest/sample-secrets.ts'
import { inFolder, known, planned, source, type Given } from './manifest-fixture.ts'

async function everyFault(given: Given): Promise<readonly Fault[]> {
  try {
    return (await planned(given)).warnings
  } catch (error) {
    if (error instanceof FaultsError) return error.faults
    throw error
  }
}

/** A plugin whose author quotes the value in its messages, as people do. */
const talkative = source(
  { name: 'talkative' },
  z
    .strictObject({
      token: secret({ minBytes: 64 }).optional(),
      key: secret()
        .refine(() => false, { error: (issue) => `'${(issue.input as Secret).reveal()}' is bad` })
        .optional(),
      list: z.array(secret({ minBytes: 64 })).optional(),
      byName: z.record(z.string(), secret({ minBytes: 64 })).optional(),
      either: z
        .union([z.literal(false), z.strictObject({ pass: secret({ minBytes: 64 }) })])
        .optional(),
      number: z.int().optional(),
      choice: z.enum(['a', 'b']).optional(),
      text: z
        .string()
        .max(1, { error: (issue) => `${JSON.stringify(issue.input)} is too long` })
        .optional(),
    })
    .superRefine((value, context) => {
      const whole = Object.values(value)
        .filter((part) => typeof part === 'object' && 'reveal' in part)
        .map((part) => (part as Secret).reveal())
      context.addIssue({ code: 'custom', message: `refused: ${whole.join()}` })
    }),
)
const sources = new Map([...known, ['talkative', talkative]])

/** Where a secret may stand, rightly, by mistake, or in a place that is broken. */
const places: readonly ((value: string) => string)[] = [
  (v) => `plugins: { talkative: { config: { token: ${v} } } }`,
  (v) => `plugins: { talkative: { config: { key: ${v} } } }`,
  (v) => `plugins: { talkative: { config: { list: [${v}] } } }`,
  (v) => `plugins: { talkative: { config: { byName: { a: ${v} } } } }`,
  (v) => `plugins: { talkative: { config: { either: { pass: ${v} } } } }`,
  (v) => `plugins: { talkative: { config: { either: ${v} } } }`,
  (v) => `plugins: { talkative: { config: { number: ${v} } } }`,
  (v) => `plugins: { talkative: { config: { choice: ${v} } } }`,
  (v) => `plugins: { talkative: { config: { text: ${v} } } }`,
  (v) => `plugins: { talkative: { config: ${v} } }`,
  (v) => `plugins: { talkative: ${v} }`,
  (v) => `plugins: { talkative: { enabled: ${v} } }`,
  (v) => `plugins: { talkative: { from: ${v} } }`,
  (v) => `plugins: { talkative: { config: { token: [${v}] } } }`,
  (v) => `plugins: { talkative: { config: { tokn: ${v} } } }`,
  (v) => `plugins: ${v}`,
  (v) => `server: { operationsToken: ${v}, operations: "0.0.0.0:1" }`,
  (v) => `server: { publicUrl: ${v} }`,
  (v) => `log: { level: ${v} }`,
]

// Short of the 32 bytes that would make it a good token.
const hex = fc.stringMatching(/^[0-9a-f]{16,31}$/)
const broken = ['', ' }', ' "', '\n\tx: 1', '\na: *b', '\n---\nb: 1']

test('no secret from the environment is printed, whatever is wrong with it', async () => {
  const property = fc.asyncProperty(hex, fc.constantFrom(...places), async (value, place) => {
    const faults = await everyFault({ yaml: place('"${TOKEN}"'), env: { TOKEN: value }, sources })
    const printed = JSON.stringify(faults) + faults.map(faultAnnotation).join()

    assert.ok(faults.length > 0, place('…'))
    assert.not.match(printed, value)
  })
  await fc.assert(property, { numRuns: 100 })
})

test('no secret in the file is printed, not even by a file that cannot be read', async () => {
  const inPlace = places.slice(0, 6)
  const property = fc.asyncProperty(
    hex,
    fc.constantFrom(...inPlace),
    fc.constantFrom(...broken),
    async (value, place, end) => {
      const faults = await everyFault({ yaml: `${place(`"${value}"`)}${end}`, sources })

      assert.ok(faults.length > 0)
      assert.not.match(JSON.stringify(faults), value)
    },
  )
  await fc.assert(property, { numRuns: 100 })
})

/** Where a parser quotes what it stumbled over. */
const stumbles: readonly ((value: string) => string)[] = [
  (v) => `a: "x" ${v}`,
  (v) => `a: [1] ${v}`,
  (v) => `a: { b: 1 } ${v}`,
  (v) => `a: *${v}`,
  (v) => `a: !${v} x`,
  (v) => `%${v}\n---\na: 1`,
  (v) => `a: "\\q${v}"`,
  (v) => `a: |${v}\n  x`,
  (v) => `a: "${v}`,
  (v) => `a: @${v}`,
  (v) => `a: b: ${v}`,
  (v) => `${v}\nb: 1`,
  (v) => `a: &x &${v} 1`,
]

test('no parser quotes a secret that it stumbled over', async () => {
  for (const stumble of stumbles) {
    const faults = await everyFault({ yaml: stumble('hunter2hunter2'), sources })

    assert.ok(faults.length > 0, stumble('…'))
    assert.not.match(JSON.stringify(faults), 'hunter2')
  }
})

test('no default of a broken interpolation is printed', async () => {
  for (const text of [
    '${A-hunter2hunter2}',
    '${A:hunter2hunter2}',
    '${A:-hunter2hunter2',
    '${1hunter2hunter2}',
  ]) {
    const yaml = `plugins: { talkative: { config: { token: "${text}" } } }`

    assert.not.match(JSON.stringify(await everyFault({ yaml, sources })), 'hunter2')
  }
})

test('the sample values of the seed are known, real ones are not taken for them', () => {
  const samples = [
    'your_jwt_secret_key_here_minimum_32_characters_long',
    'your_openai_api_key_here',
    'sk_test_your_stripe_key_here',
    'whsec_your_webhook_secret_here',
    'changeme',
  ]
  const real = [
    'sk_test_51NhYourKey',
    'whsec_9aYourHere',
    'hereisyour_secret',
    'postgres',
    'sk-proj-x',
  ]

  assert.equal(samples.filter(isSampleSecret), samples)
  assert.equal(real.filter(isSampleSecret), [])
})

test('a sample counts as not set in development: it is generated, or absent', async () => {
  const env = { S: 'your_signing_key_here', K: 'sk_test_your_key_here' }
  const config = 'signing: "${S}", key: "${K}"'
  const yaml = `plugins: { database: true, billing: { config: { ${config} } } }`
  const { plugins, warnings } = await planned({ yaml, env })
  const billing = plugins.find(({ name }) => name === 'billing')

  assert.equal(billing?.generates, ['signing'])
  assert.equal(Object.keys(billing?.config as object), ['plans'])
  assert.equal(
    warnings.map(({ code }) => code),
    ['E_SAMPLE_SECRET', 'E_SAMPLE_SECRET'],
  )
})

test('a generated secret is the same each time, another for each name and each folder', async () => {
  const [first, second] = await Promise.all([0, 1].map(() => inFolder({}, (cwd) => three(cwd))))

  assert.is(first?.[0], first?.[1])
  assert.is.not(first?.[0], first?.[2])
  assert.is.not(first?.[0], second?.[0])
  assert.ok((first?.[0]?.length ?? 0) >= 64)
})

const three = (cwd: string): readonly string[] =>
  ['auth.secret', 'auth.secret', 'sessions.secret'].map((name) =>
    generatedSecret(join(cwd, 'new', 'data'), name).reveal(),
  )

test('the file of generated secrets is read by its owner alone, and leaves no draft', async () => {
  await inFolder({}, (cwd) => {
    generatedSecret(cwd, 'a')

    assert.is(statSync(join(cwd, 'secrets.json')).mode & 0o777, 0o600)
    assert.equal(readdirSync(cwd), ['secrets.json'])
  })
})

test('a broken file of generated secrets is told, not replaced', async () => {
  for (const text of ['', '{', '{}', '{"root":"short"}']) {
    await inFolder({ 'secrets.json': text }, (cwd) => {
      assert.throws(
        () => generatedSecret(cwd, 'a'),
        (error: unknown) => isProblem(error) && error.code === 'secrets_file_broken',
      )
      assert.is(readFileSync(join(cwd, 'secrets.json'), 'utf8'), text)
    })
  }
})

test('a folder that cannot be written is told, with the secret that it is for', async () => {
  await inFolder({ file: 'no folder' }, (cwd) => {
    assert.throws(
      () => generatedSecret(join(cwd, 'file', 'data'), 'sessions.secret'),
      (error: unknown) =>
        isProblem(error) &&
        error.code === 'secrets_not_kept' &&
        error.message.startsWith(
          "a secret for 'sessions.secret' was to be generated and kept: E",
        ) &&
        error.hint?.includes('DATA_DIR'),
    )
  })
})

/** What this runtime needs to run a file like this one: permissions, conditions. */
const runtimeFlags = (): readonly string[] =>
  process.versions['deno'] === undefined ? process.execArgv : ['run', '-A', '--conditions=source']

async function racer(folder: string, startAt: number): Promise<unknown> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = fileURLToPath(new URL(`./manifest-secrets-child.${extension}`, import.meta.url))
  const args = [folder, String(startAt), String(rounds), 'x', 'y']
  const child = spawn(process.execPath, [...runtimeFlags(), file, ...args])
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child, 'close')
  return JSON.parse(Buffer.concat(chunks).toString())
}

const rounds = 50
/** For every process to have started, on a busy machine too. */
const startMs = 3_000

test('processes that race for generated secrets get the same ones', async () => {
  await inFolder({}, async (cwd) => {
    const startAt = Date.now() + startMs
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => racer(cwd, startAt)))
    const made = first as readonly (readonly [string, string])[]

    assert.is(new Set(made.flat()).size, 2 * rounds)
    for (const other of others) assert.equal(other, made)
  })
})

test.run()

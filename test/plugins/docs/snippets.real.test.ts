/** What a reader copies from the page does, in a real terminal and a real Node, what it says. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { operationsOf } from '../../../plugins/docs/openapi.ts'
import { streams } from '../../../plugins/docs/snippets.ts'
import { adoptFolder } from '../../harness/ending.ts'
import { root } from '../../harness/root.ts'
import { skip } from '../../harness/skip.ts'
import { isSaid, refusalsFirst } from './examples.ts'
import type { PlacedExample } from './examples.ts'
import { documentedServer } from './open-server.ts'
import { firstCallsIn, printedIn } from './printed-snippets.ts'
import { ReplyCheck } from './reply-check.ts'

if (spawnSync('curl', ['--version']).status !== 0) skip('curl', 'apt-get install curl')
const { server, document, tokenFor } = await documentedServer()
test.after(async () => void (await server.stop()))

const examples = refusalsFirst(operationsOf(document))
const check = new ReplyCheck(document)
const page = await (await fetch(`${server.url}/docs`)).text()
const printed = printedIn(page)

/** Where the snippets run: they find `openai` there, and what tells us the status that they do not print. */
const folder = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-snippets-')))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
writeFileSync(
  join(folder, '.curlrc'),
  String.raw`write-out = "%{stderr}\n# %{http_code} %{content_type}\n"`,
)
writeFileSync(
  join(folder, 'status.mjs'),
  `import { subscribe } from 'node:diagnostics_channel'
subscribe('undici:request:headers', ({ response: { statusCode, headers } }) => {
  const words = headers.map(String)
  const at = words.findIndex((word) => word.toLowerCase() === 'content-type')
  process.stderr.write('# ' + statusCode + ' ' + (at < 0 ? '' : words[at + 1]) + '\\n')
})`,
)

interface Ran {
  readonly failed: boolean
  readonly out: string
  readonly status: number
  readonly type: string
}

interface Ended {
  readonly code: number
  readonly out: string
  readonly said: string
}

function run(program: string, words: readonly string[], token: string): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: folder, CURL_HOME: folder, TOKEN: token }
  return new Promise((resolve) => {
    execFile(program, words, { cwd: folder, env, timeout: 180_000 }, (error, out, said) =>
      resolve({ code: Number(error?.code ?? 0), out, said }),
    )
  })
}

function ranOf(failed: boolean, out: string, said: string): Ran {
  const [, status = '0', type = ''] = /^# (\d{3}) ?(.*)$/m.exec(said) ?? []
  return { failed, out, status: Number(status), type }
}

async function inShell(codes: readonly string[], token: string): Promise<Ran[]> {
  const all: Ran[] = []
  for (const line of codes) {
    const { code, out, said } = await run('sh', ['-c', line], token)
    all.push(ranOf(code !== 0, out, said))
  }
  return all
}

const mark = '\u001e'

/** Each is a module of its own; one process runs them all, since starting one takes longer than they do. */
async function inNode(codes: readonly string[], token: string): Promise<Ran[]> {
  const place = mkdtempSync(join(folder, 'modules-'))
  for (const [at, code] of codes.entries()) writeFileSync(join(place, `${at}.mjs`), code)
  const all = join(place, 'all.mjs')
  writeFileSync(
    all,
    `for (let at = 0; at < ${codes.length}; at++) {
  for (const stream of [process.stdout, process.stderr]) stream.write('${mark}')
  await import('./' + at + '.mjs').catch((error) => process.stderr.write('! ' + error + '\\n'))
}`,
  )
  const words = ['--import', join(folder, 'status.mjs'), all]
  const { out, said } = await run(process.execPath, words, token)
  const errors = said.split(mark).slice(1)
  const outs = out.split(mark).slice(1)
  return codes.map((_, at) => {
    const error = errors[at] ?? '! it never ran'
    return ranOf(/^! /m.test(error), outs[at] ?? '', error)
  })
}

const codeOf = ({ operation, nth }: PlacedExample, title: string): string | undefined =>
  printed.get(`${operation.operationId}-${nth}`)?.find((one) => one.title === title)?.code

/** What came back, and what of it the snippet printed as the body, if it does. */
type BodyOf = (ran: Ran, one: PlacedExample) => string | undefined

/** Each way has a person of its own, so that none finds what another has made. */
async function faultsOf(title: string, how: typeof inShell, bodyOf: BodyOf) {
  const token = await tokenFor(title)
  const shown = examples.flatMap((one) => {
    const code = codeOf(one, title)
    return code === undefined ? [] : [{ one, code }]
  })
  const all = await how(
    shown.map(({ code }) => code),
    token,
  )
  const faults = shown.flatMap(({ one, code }, at) => {
    const ran = all[at] ?? ranOf(true, '', '')
    const fault = faultOf(one, ran, bodyOf(ran, one))
    return fault === undefined ? [] : [`${code}\n→ ${fault}`]
  })
  return { sent: shown.length, faults }
}

function faultOf(one: PlacedExample, ran: Ran, body: string | undefined): string | undefined {
  const { status, type, out, failed } = ran
  if (!isSaid(one, status)) return `${status} ${out.slice(0, 300)}`
  if (body === undefined) return failed === status >= 400 ? undefined : `failed: ${failed}`
  return failed ? 'it fails' : check.fault(one.operation, status, type, body)
}

test('every example stands on the page, as a line of curl and as a call of fetch', () => {
  const titles = examples.map((one) => [codeOf(one, 'curl'), codeOf(one, 'fetch')])

  assert.equal(
    titles.flat().filter((code) => code === undefined),
    [],
  )
  assert.ok(examples.length > 35)
})

test('what stands above the operations is what stands beside them', () => {
  const beside = new Set([...printed.values()].flat().map(({ code }) => code))

  const above = firstCallsIn(page)

  assert.is(above.length, 2)
  assert.ok(above.every((code) => beside.has(code)))
})

test('every line of curl gets the reply that its example tells', async () => {
  const { sent, faults } = await faultsOf('curl', inShell, ({ out }) => out)

  assert.equal(faults, [])
  assert.is(sent, examples.length)
})

/** `200 {…}`, or the stream alone. */
const shownByFetch = ({ out, status }: Ran, { operation }: PlacedExample): string => {
  if (streams(operation)) return out
  return out.startsWith(`${status} `) ? out.slice(4, -1) : `not the status ${status}: ${out}`
}

test('every call of fetch gets it too, and prints it', async () => {
  const { sent, faults } = await faultsOf('fetch', inNode, shownByFetch)

  assert.equal(faults, [])
  assert.is(sent, examples.length)
})

test('every call of OpenAI’s own client does, and prints what came', async () => {
  const silent: string[] = []
  const { sent, faults } = await faultsOf('OpenAI SDK', inNode, (ran, { operation }) => {
    if (ran.status < 400 && ran.out.trim() === '') silent.push(operation.operationId)
    return undefined
  })

  assert.equal(faults, [])
  assert.equal(silent, [])
  assert.is(sent, examples.filter(({ operation }) => operation.path.startsWith('/v1/')).length)
})

test.run()

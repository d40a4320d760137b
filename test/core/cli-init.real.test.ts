/** `autodocops init` in a process of its own: without a terminal, and in a pseudo-terminal of util-linux. */
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder } from '../harness/ending.ts'
import { run } from '../harness/process.ts'
import { atTerminal, hasTerminal } from '../harness/terminal.ts'

const folder = () => adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-init-')))
const envOf = (home: string) => parseEnv(readFileSync(join(home, '.env'), 'utf8'))

test('init --yes writes secrets that nobody else can read, and a manifest that check takes, in production too', async () => {
  const home = folder()
  const { code, stdout } = await run(['init', '--yes'], { home })
  const checked = await run(['check'], { home, env: { NODE_ENV: 'production' } })
  const env = envOf(home)

  assert.is(code, 0)
  assert.is(statSync(join(home, '.env')).mode & 0o777, 0o600)
  assert.equal(Object.keys(env).toSorted(), [
    'JWT_SECRET_KEY',
    'OPERATIONS_TOKEN',
    'SESSION_SECRET',
  ])
  assert.is(new Set(Object.values(env)).size, 3)
  for (const value of Object.values(env)) assert.ok(Buffer.byteLength(value ?? '') >= 32)
  assert.match(stdout, /^ {2}\S*autodocops start$/m)
  assert.is(checked.code, 0, checked.stderr)
})

test('what is there stays, and is named; --force replaces it', async () => {
  const home = folder()
  writeFileSync(join(home, '.env'), 'MINE=1\n', { mode: 0o644 })
  const kept = await run(['init', '--yes'], { home })
  const before = readFileSync(join(home, '.env'), 'utf8')
  const forced = await run(['init', '--yes', '--force', '--json'], { home })

  assert.is(kept.code, 1)
  assert.match(kept.stderr, /\.env is there already; nothing was written/)
  assert.is(before, 'MINE=1\n')
  assert.equal((JSON.parse(forced.stdout) as { files: object[] }).files[0], {
    file: '.env',
    what: 'replaced',
  })
  assert.is(statSync(join(home, '.env')).mode & 0o777, 0o600)
})

test('without a terminal and without --yes it ends with 2, and says what to do', async () => {
  const home = folder()
  const { code, stderr } = await run(['init'], { home })

  assert.is(code, 2)
  assert.match(stderr, '--yes')
  assert.not(existsSync(join(home, '.env')))
})

/** Answers each question when it is asked, as a person at a terminal does. */
function typed(home: string, answers: readonly string[]): Promise<string> {
  const left = [...answers]
  return atTerminal('autodocops init; echo ended with $?', {
    home,
    answer: (shown) => {
      const asked = shown.match(/\(empty: [^)]+\): /g)?.length ?? 0
      return asked > answers.length - left.length ? `${left.shift() ?? ''}\n` : undefined
    },
  })
}

if (hasTerminal) {
  test('five answers at a terminal become variables; an empty one becomes none', async () => {
    const home = folder()
    const url = 'postgres://me:pw@db.example.com/autodocops'
    const shown = await typed(home, ['https://api.example.com', url, '', '', 'sk_test_1 whsec_1'])
    const { PUBLIC_URL, DATABASE_URL, REDIS_URL, STRIPE_API_KEY, STRIPE_WEBHOOK_SECRET } =
      envOf(home)

    assert.match(shown, 'ended with 0')
    assert.equal(
      [PUBLIC_URL, DATABASE_URL, REDIS_URL, STRIPE_API_KEY, STRIPE_WEBHOOK_SECRET],
      ['https://api.example.com', url, undefined, 'sk_test_1', 'whsec_1'],
    )
  })

  test('an answer that cannot be is told as a fault, and nothing is written', async () => {
    const home = folder()
    const shown = await typed(home, ['', 'mysql://db', '', '', ''])

    assert.match(shown, 'ended with 78')
    assert.match(shown, 'must look like postgres://')
    assert.not(existsSync(join(home, '.env')))
  })
}

test('a misspelt verb and a misspelt option end with 2 and name the one that was meant', async () => {
  const verb = await run(['chekc'])
  const option = await run(['check', '--jsno'])

  assert.is(verb.code, 2)
  assert.match(verb.stderr, "did you mean 'check'?")
  assert.is(option.code, 2)
  assert.match(option.stderr, "no option '--jsno'; did you mean 'json'?")
})

test.run()

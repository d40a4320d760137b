/** What a person at a terminal sees and a pipe does not: colours, and the steps of long work. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder } from '../harness/ending.ts'
import { postgres } from '../harness/postgres.ts'
import { run } from '../harness/process.ts'
import { atTerminal, hasTerminal } from '../harness/terminal.ts'

const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-terminal-')))
const manifest = 'plugins: { database: true, projects: true, auth: true }'
const printed = (file: string) => readFileSync(join(home, file), 'utf8')
const escape = '\u001B['

/** Standard output goes to a file, so the terminal shows the rest. */
const stepsOf = (words: string, file: string) =>
  atTerminal(
    `mkdir -p config; echo '${manifest}' > config/manifest.yaml; autodocops ${words} > ${file}`,
    {
      home,
    },
  )

if (hasTerminal) {
  test('migrate up names the migrations of each plugin, and --json stands alone in the output', async () => {
    const shown = await stepsOf('migrate up --json', 'migrated')
    const told = JSON.parse(printed('migrated')) as { plugin: string; pending: string[] }[]

    assert.match(shown, '  starting database …\n', 'a new one takes longer than a second')
    assert.match(shown, '  projects: 0001-create-projects …\n')
    assert.match(shown, '  auth: 0001-create-auth-keys …\n')
    assert.equal(told.map(({ plugin }) => plugin).toSorted(), ['auth', 'projects'])
    assert.ok(told.every(({ pending }) => pending.length === 0))
  })

  test('backup and restore tell what they are at, and --json stands alone in the output', async () => {
    const saved = await stepsOf('backup saved.tar.gz --json', 'saved')
    const restored = await stepsOf('restore saved.tar.gz --json', 'restored')

    assert.match(saved, '  copying the embedded database to saved.tar.gz …\n')
    assert.ok((JSON.parse(printed('saved')) as { bytes: number }).bytes > 100_000)
    assert.match(
      restored,
      /closing the embedded database …\n(?:.*\n)*?  unpacking saved\.tar\.gz beside it …\n(?:.*\n)*?  putting it in its place/,
    )
    assert.equal(Object.keys(JSON.parse(printed('restored')) as object), ['file', 'before'])
  })

  const serve = (env: Readonly<Record<string, string>>) => {
    let isEnded = false
    return atTerminal("echo 'plugins: { metrics: true }' > m.yaml; autodocops start", {
      home,
      env: { AUTODOCOPS_MANIFEST: 'm.yaml', PORT: '0', ...env },
      answer: (shown) => {
        if (isEnded || !shown.includes('Ctrl-C')) return undefined
        isEnded = true
        return '\u0003'
      },
    })
  }

  test('start and doctor have colours at a terminal, none with NO_COLOR, none in a pipe', async () => {
    const [shown, plain] = [await serve({}), await serve({ NO_COLOR: '1' })]
    const examined = await atTerminal('autodocops doctor', { home })
    const plainly = await atTerminal('autodocops doctor | cat', { home })

    assert.ok(shown.includes(`${escape}32m✓${escape}0m metrics`), shown)
    assert.ok(
      shown.split(escape).some((part) => /^\d+mINFO/.test(part)),
      shown,
    )
    assert.match(plain, /✓ metrics/)
    assert.match(plain, /INFO.*draining/)
    assert.not(plain.includes(escape), plain)
    assert.ok(examined.includes(`${escape}32m✓`), examined)
    assert.not(plainly.includes(escape), plainly)
  })
}

test('without a terminal there are no steps', async () => {
  const env = { DATABASE_URL: (await postgres()).url }
  const migrated = await run(['migrate', 'up'], {
    env,
    manifest: `server: {}\n${manifest.replace('database: true', "database: { config: { url: '${DATABASE_URL}' } }")}`,
  })

  assert.is(migrated.code, 0, migrated.stderr)
  assert.is(migrated.stderr, '')
  assert.match(migrated.stdout, 'projects: 1 applied')
  assert.not(migrated.stdout.includes(escape))
})

test.run()

/**
 * The command blocks of the guides, run as they stand and in their order, against one server that was
 * started on an empty folder. Blocks of ```sh needs=…``` want a program or an account that is not here.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adopt, adoptFolder, exited } from '../harness/ending.ts'
import { startServer } from '../harness/process.ts'
import { root } from '../harness/root.ts'

const folder = join(root, 'docs/guides')
const guides = readdirSync(folder).filter((name) => name.endsWith('.md'))
const wants = [
  'a-dead-letter',
  'a-second-machine',
  'a-stopped-server',
  'a-terminal-of-its-own',
  'docker',
  'stripe',
]

/** The shell blocks of a guide: what stands behind `sh`, and the commands. */
const blocksOf = (guide: string) =>
  [...readFileSync(join(folder, guide), 'utf8').matchAll(/^```sh *(.*)\n([\s\S]*?)^```/gm)].map(
    ([, mark = '', commands = '']) => ({ mark, commands }),
  )

const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-guides-')))
const server = await startServer({ home })

/** A reader's shell: his variables last from block to block, and the first command that fails ends it. */
async function shell(script: string): Promise<{ code: unknown; output: string }> {
  const child = adopt(
    spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
      cwd: root,
      env: {
        PATH: `${join(root, 'scripts')}:${process.env['PATH'] ?? ''}`,
        HOME: home,
        DATA_DIR: join(server.home, 'data'),
        TMPDIR: home,
        PORT: new URL(server.url).port,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return { code: await exited(child), output }
}

const here = (commands: string) =>
  commands
    .replaceAll(/(?:127\.0\.0\.1|localhost):8080/g, new URL(server.url).host)
    .replaceAll(/(?:127\.0\.0\.1|localhost):9464/g, new URL(server.operationsUrl).host)

test('there are guides, and most of their blocks are run', () => {
  const blocks = guides.flatMap(blocksOf)

  assert.ok(guides.length >= 8)
  assert.ok(blocks.filter(({ mark }) => mark === '').length >= 15)
  assert.equal(
    blocks.map(({ mark }) => mark).filter((m) => m && !wants.includes(m.replace('needs=', ''))),
    [],
  )
})

for (const guide of guides) {
  const runnable = blocksOf(guide).filter(({ mark }) => mark === '')
  if (runnable.length === 0) continue

  test(`${guide}: every block ends well, and no reply is a fault of ours`, async () => {
    const { code, output } = await shell(here(runnable.map(({ commands }) => commands).join('\n')))

    assert.is(code, 0, output)
    assert.not.match(output, /"status":5\d\d/)
    assert.not.match(output, 'invalid_token')
  })
}

test('everything ends', async () => {
  assert.is(await server.stop(), 0)
})

test.run()

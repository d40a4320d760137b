/** A real process takes over its manifest however it is asked: by a signal, a command, a request, or by itself. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder } from '../harness/ending.ts'
import { run, startServer, type ServerProcess } from '../harness/process.ts'
import { until } from '../harness/until.ts'

const manifest = (title: string) =>
  [
    "server: { port: 0, operations: '127.0.0.1:0', dataDir: '${DATA_DIR}' }",
    `plugins: { docs: { config: { title: ${title} } } }`,
  ].join('\n')
const broken = manifest('Broken').replace('title', 'titel')
const fault =
  /manifest\.yaml:2:30 E_CONFIG plugins\.docs\.config\.titel: .*\n +hint: did you mean 'title'\?/

async function titleOf({ url }: ServerProcess): Promise<string> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    info: { title: string }
  }
  return document.info.title
}

async function becomes(server: ServerProcess, title: string): Promise<void> {
  const patience = AbortSignal.timeout(20_000)
  while ((await titleOf(server)) !== title && !patience.aborted) await sleep(20)
  assert.is(await titleOf(server), title)
}

/** Until it was logged so often that nothing has changed. */
async function rejected(server: ServerProcess, times: number): Promise<void> {
  const patience = AbortSignal.timeout(20_000)
  const seen = () => server.output.split('reload rejected, nothing has changed').length - 1
  while (seen() < times && !patience.aborted) await sleep(20)
  assert.is(seen(), times)
}

const write = ({ home }: ServerProcess, text: string) =>
  writeFileSync(join(home, 'manifest.yaml'), text)

let server: ServerProcess
test.before(async () => {
  server = await startServer({ manifest: manifest('First') })
})
test.after(async () => void (await server.stop()))

test('SIGHUP: a good manifest is taken, a broken one is told in the log', async () => {
  write(server, manifest('Signal'))
  server.signal('SIGHUP')
  await becomes(server, 'Signal')

  write(server, broken)
  server.signal('SIGHUP')
  await rejected(server, 1)

  assert.is(await titleOf(server), 'Signal')
})

test('autodocops reload: what it did and 0, or why it did not and 78', async () => {
  const done = await run(['reload'], { home: server.home, manifest: manifest('Command') })
  const same = await run(['reload'], { home: server.home, manifest: manifest('Command') })
  const refused = await run(['reload'], { home: server.home, manifest: broken })
  const asJson = await run(['reload', '--json'], { home: server.home })

  assert.equal([done.code, same.code, refused.code], [0, 0, 78])
  assert.match(done.stdout, /started +docs\n +kept +-\n +retired +docs/)
  assert.match(same.stdout, 'Nothing has changed.')
  assert.match(refused.stderr, 'The reload was rejected; nothing has changed')
  assert.match(refused.stderr, fault)
  assert.is(asJson.code, 78)
  assert.match(asJson.stdout, /^\{.*"code":"reload_rejected".*E_CONFIG.*\}$/m)
  assert.is(await titleOf(server), 'Command')
})

test('POST /admin/reload: only from the manifest that was meant', async () => {
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(server.operationsUrl + path, init)
    return { response, body: (await response.json()) as Record<string, unknown> }
  }
  const guarded = (hash: string) =>
    ask('/admin/reload', { method: 'POST', headers: { 'if-match': `"${hash}"` } })
  const { body: before } = await ask('/admin/plugins')
  write(server, manifest('Request'))
  const { body: plan } = await ask('/admin/plan')

  const stale = await guarded(String(plan['hash']))
  const taken = await guarded(String(before['hash']))

  assert.equal([stale.response.status, stale.body['code']], [412, 'manifest_changed'])
  assert.is(taken.response.status, 200)
  assert.equal(taken.body['started'], plan['start'])
  assert.is(taken.response.headers.get('etag'), `"${String(plan['hash'])}"`)
  assert.is(await titleOf(server), 'Request')
})

test('start --watch: a file that is written in place, and one that is renamed, again and again', async () => {
  const watching = await startServer({ manifest: manifest('First'), args: ['--watch'] })
  try {
    write(watching, manifest('Written'))
    await becomes(watching, 'Written')
    for (const title of ['Renamed', 'Again']) {
      writeFileSync(join(watching.home, 'new'), manifest(title))
      renameSync(join(watching.home, 'new'), join(watching.home, 'manifest.yaml'))
      await becomes(watching, title)
    }
    write(watching, broken)
    await rejected(watching, 1)
    assert.is(await titleOf(watching), 'Again')
  } finally {
    await watching.stop()
  }
})

test('a manifest that is deleted is missed, however a reload is asked for, and taken when it is back', async () => {
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-')))
  const file = join(home, 'config', 'manifest.yaml')
  mkdirSync(join(home, 'config'))
  writeFileSync(file, manifest('First'))
  const watching = await startServer({ home, args: ['--watch'] })
  try {
    rmSync(file)
    await rejected(watching, 1)
    watching.signal('SIGHUP')
    await rejected(watching, 2)
    const reload = await run(['reload'], { home })
    const plan = await run(['plan'], { home })

    const gone = /^config\/manifest\.yaml:1:1 E_MANIFEST_MISSING \$: .*\n +hint: .*put it back/m
    assert.match(watching.output, 'config/manifest.yaml:1:1 E_MANIFEST_MISSING')
    assert.match(reload.stderr, gone)
    assert.match(plan.stderr, gone)
    assert.is(reload.code, 78)
    assert.is(await titleOf(watching), 'First')

    writeFileSync(file, manifest('Back'))
    await becomes(watching, 'Back')
  } finally {
    await watching.stop()
  }
})

test('start --watch: a folder that is removed and comes back, and one that another takes the place of', async () => {
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-')))
  const fill = (folder: string, title: string) => {
    mkdirSync(join(home, folder))
    writeFileSync(join(home, folder, 'manifest.yaml'), manifest(title))
  }
  fill('config', 'First')
  const watching = await startServer({ home, args: ['--watch'] })
  try {
    rmSync(join(home, 'config'), { recursive: true })
    await until(() => watching.output.includes('E_MANIFEST_MISSING'))
    assert.is(await titleOf(watching), 'First')
    fill('config', 'Back')
    await becomes(watching, 'Back')

    fill('next', 'Other')
    renameSync(join(home, 'config'), join(home, 'before'))
    renameSync(join(home, 'next'), join(home, 'config'))
    await becomes(watching, 'Other')
    writeFileSync(join(home, 'config', 'manifest.yaml'), manifest('Written'))
    await becomes(watching, 'Written')
  } finally {
    await watching.stop()
  }
})

test.run()

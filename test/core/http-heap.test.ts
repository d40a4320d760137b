/** What is refused while the heap of a real process is nearly full. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { closedAfterwards } from '../harness/closing.ts'
import { adopt, end } from '../harness/ending.ts'
import { isCompiled, isDeno } from '../harness/root.ts'
import { until } from '../harness/until.ts'

const MiB = 1_048_576
const small = '--max-old-space-size=128'
const script = fileURLToPath(
  new URL(`./http-heap-server.${isCompiled ? 'js' : 'ts'}`, import.meta.url),
)

interface Start {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A heap that is small by that flag, and sheds from 70 % on. */
async function serverWith({ args = [], env = {} }: Start) {
  const flags = isDeno ? ['run', '-A', '--conditions=source'] : process.execArgv
  const child = spawn(process.execPath, [...flags, ...args, script, '0.7'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  closedAfterwards(adopt(child), () => end(child, 'SIGKILL'))
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return (path: string) => fetch(url + path)
}

const starts: Readonly<Record<string, Start>> = isDeno
  ? { DENO_V8_FLAGS: { env: { DENO_V8_FLAGS: small } } }
  : { NODE_OPTIONS: { env: { NODE_OPTIONS: small } }, 'an argument': { args: [small] } }

for (const [name, start] of Object.entries(starts))
  test(`a heap that ${name} keeps small: nearly full, it sheds what is not vital; emptied, nothing`, async () => {
    const ask = await serverWith(start)
    void ask('/wait').catch(() => undefined)
    const isShed = async () => (await ask('/quick')).status === 503
    assert.not(await isShed())

    await ask(`/fill?bytes=${102 * MiB}`)
    await until(isShed)
    const [shed, vital] = [await ask('/quick'), await ask('/vital')]
    await ask('/free')
    await until(async () => !(await isShed()))

    assert.equal([shed.status, shed.headers.get('retry-after')], [503, '1'])
    assert.is(((await shed.json()) as { code: string }).code, 'overloaded')
    assert.is(vital.status, 200)
  })

test.run()

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as assert from 'uvu/assert'

import type { Finding } from '../../core/plugin.ts'
import { adoptFolder } from '../harness/ending.ts'
import { run, type Ended, type ServerOptions } from '../harness/process.ts'

type Numbered = Finding & { readonly number: number }

export interface Examined extends Ended {
  readonly findings: readonly Numbered[]
}

export const folder = () => adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-doctor-')))

export function read(ended: Ended): Examined {
  assert.ok(ended.stdout.startsWith('{'), `${ended.stdout}\n${ended.stderr}`)
  const { findings } = JSON.parse(ended.stdout) as { findings: readonly Numbered[] }
  return { ...ended, findings }
}

/** `autodocops doctor --json` in a process of its own; `args` come behind. */
export const examined = async (options: ServerOptions = {}): Promise<Examined> =>
  read(await run(['doctor', '--json', ...(options.args ?? [])], options))

/** The one finding that says so; its verdict and its fix are the test's to look at. */
export function about({ findings, stdout }: Examined, check: string, saw: RegExp): Numbered {
  const found = findings.find((one) => one.check === check && saw.test(one.saw))
  assert.ok(found, `nothing on '${check}' says ${saw}: ${stdout}`)
  return found ?? assert.unreachable()
}

export const fixOf = (finding: Finding): string => ('fix' in finding ? finding.fix : '')
export const strong = 'Zq3x9vLw7Tn2Rb8Kd5Mf1Hs6Jg4Pc0Ya-_Ue'
export const production = {
  NODE_ENV: 'production',
  SESSION_SECRET: strong,
  JWT_SECRET_KEY: strong,
}

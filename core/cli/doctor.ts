import { resolve } from 'node:path'

import { createHost } from '../create-host.ts'
import { createLog } from '../log.ts'
import { isError, type Fault } from '../manifest/faults.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { readManifest } from '../manifest/read.ts'
import { serverOf } from '../manifest/server-of.ts'
import type { ServerConfig } from '../manifest/server-config.ts'
import { plan, type Plan } from '../plan.ts'
import type { Finding } from '../plugin.ts'
import { builtInSources } from '../sources.ts'
import { painter } from './colour.ts'
import { examineData } from './doctor-data.ts'
import { examineExposure } from './doctor-exposure.ts'
import { examineMachine } from './doctor-machine.ts'
import { examineManifest } from './doctor-manifest.ts'
import { examinePorts } from './doctor-ports.ts'
import { examineRunning } from './doctor-running.ts'
import { examineSecrets } from './doctor-secrets.ts'
import { faultsOf } from './faults.ts'
import { asCalled } from './invocation.ts'
import { exitCodes, type CliIo, type CliVerb } from './verb.ts'

export const doctor: CliVerb = {
  summary: 'Examine the machine, the manifest and what the plugins need; each fault with its fix',
  positionals: [],
  options: {
    online: {
      type: 'boolean',
      description: 'Ask services on the internet as well (Stripe, the language model)',
    },
  },
  examples: [
    'autodocops doctor',
    'autodocops doctor --online',
    'NODE_ENV=production autodocops doctor --json',
  ],
  run: async (args, io) => {
    const judged = await judge(io)
    const findings = await examine(judged, args['online'] === true, io)
    print(findings, io)
    if (judged.faults.some(isError)) return exitCodes.configuration
    return findings.some(({ verdict }) => verdict === 'failed') ? exitCodes.failed : exitCodes.done
  },
}

interface Judged {
  readonly manifest: Manifest
  readonly faults: readonly Fault[]
  /** `undefined`: the manifest has faults. */
  readonly plan: Plan | undefined
  /** The block alone may be good. */
  readonly server: ServerConfig | undefined
}

async function judge(io: CliIo): Promise<Judged> {
  const manifest = readManifest(io)
  try {
    const made = await plan(manifest, builtInSources())
    return { manifest, faults: made.warnings, plan: made, server: made.server }
  } catch (error) {
    const faults = faultsOf(error)
    return { manifest, faults, plan: undefined, server: serverIn(manifest) }
  }
}

function serverIn(manifest: Manifest): ServerConfig | undefined {
  try {
    return serverOf(manifest)
  } catch (error) {
    faultsOf(error) // told with all the others
    return undefined
  }
}

/** From the ground up; what stands on something that is broken is skipped, and says so. */
async function examine(judged: Judged, online: boolean, io: CliIo): Promise<readonly Finding[]> {
  const { manifest, faults, plan: made, server } = judged
  const ground = [...examineMachine(), ...examineManifest(manifest, faults)]
  if (server === undefined) return [...ground, skipped('server', 'its block in the manifest')]
  const dataDir = resolve(io.cwd, server.dataDir)
  const base = [
    ...ground,
    ...examineData(dataDir),
    ...(await examinePorts(server, dataDir)),
    ...(await examineRunning(server, dataDir, made?.hash)),
  ]
  if (made === undefined) return [...base, skipped('plugins', 'the manifest')]
  return [
    ...base,
    ...(await examineSecrets(made, manifest.production)),
    ...examineExposure(made, manifest.production),
    ...(await examinePlugins(online, io)),
  ]
}

const skipped = (check: string, broken: string): Finding => ({
  check,
  verdict: 'skipped',
  saw: `cannot be examined before ${broken} is mended`,
})

/** Their findings stand for their log lines. */
function examinePlugins(online: boolean, { cwd, env }: CliIo): Promise<readonly Finding[]> {
  const log = createLog({ level: 'silent', pretty: false })
  return createHost({ cwd, env, log, sources: builtInSources() }).examine(online)
}

const marks = { ok: '✓', warning: '!', failed: '✗', skipped: '-' } as const
const colours = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' } as const

function print(findings: readonly Finding[], io: CliIo): void {
  const numbered = findings.map((finding, index) => ({ number: index + 1, ...finding }))
  const count = (wanted: Finding['verdict']) =>
    findings.filter(({ verdict }) => verdict === wanted).length
  if (io.json) {
    io.out(JSON.stringify({ ok: count('failed') === 0, findings: numbered }))
    return
  }
  const width = Math.max(...findings.map(({ check }) => check.length))
  const paint = painter(process.stdout, io)
  for (const found of numbered) {
    const mark = paint(colours[found.verdict], marks[found.verdict])
    const number = String(found.number).padStart(2)
    io.out(`${number} ${mark} ${found.check.padEnd(width)}  ${found.saw}`)
    if ('fix' in found) io.out(`${' '.repeat(width + 7)}fix: ${asCalled(found.fix, io.cwd)}`)
  }
  io.out(`\n${count('failed')} failed, ${count('warning')} warnings, ${findings.length} checks.`)
}

import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { binary } from '../harness/binaries.ts'
import { adopt, adoptFolder, atEnd, end } from '../harness/ending.ts'
import { listening, sparePort } from '../harness/ports.ts'
import { root } from '../harness/root.ts'
import { skip } from '../harness/skip.ts'

const ours = join(root, 'monitoring/prometheus')
const bring = 'apt-get install prometheus'

export const promtool = binary('promtool') ?? skip('promtool', bring)

/** A real Prometheus with our own configuration, but for the target and a scrape every second. */
export async function startPrometheus(target: string): Promise<string> {
  const program = binary('prometheus') ?? skip('a prometheus program', bring)
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-prometheus-')))
  for (const file of ['recording.rules.yml', 'alerts.rules.yml'])
    copyFileSync(join(ours, file), join(home, file))
  const config = readFileSync(join(ours, 'prometheus.yml'), 'utf8')
    .replaceAll(/interval: 15s/g, 'interval: 1s')
    .replace('127.0.0.1:9464', target)
  writeFileSync(
    join(home, 'prometheus.yml'),
    config.replace('global:', 'global:\n  scrape_timeout: 1s'),
  )
  const port = await sparePort()
  const child = adopt(
    spawn(
      program,
      [
        `--config.file=${join(home, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(home, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    ),
  )
  atEnd(() => end(child))
  if (!(await listening(port, () => child.exitCode === null))) throw new Error('it did not start')
  return `http://127.0.0.1:${port}`
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data?: { readonly result: readonly { readonly values: readonly [number, string][] }[] }
}

/** The finite values of an expression over the last seconds. Throws when Prometheus refuses it. */
export async function valuesOf(prometheus: string, expr: string): Promise<readonly number[]> {
  const now = Date.now() / 1_000
  const asked = new URLSearchParams({
    query: expr
      .replaceAll('$__rate_interval', '15s')
      .replaceAll('$job', '.+')
      .replaceAll('$instance', '.+'),
    start: String(now - 5),
    end: String(now),
    step: '1',
  })
  const reply = await fetch(`${prometheus}/api/v1/query_range?${asked}`)
  const { status, error, data } = (await reply.json()) as Answer
  if (status !== 'success') throw new Error(`${expr}: ${error}`)
  const values = data?.result.flatMap((series) => series.values.map(([, value]) => Number(value)))
  return (values ?? []).filter(Number.isFinite)
}

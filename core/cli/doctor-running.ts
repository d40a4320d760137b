import { messageOf } from '../instance.ts'
import type { ServerConfig } from '../manifest/server-config.ts'
import type { Finding, PluginState } from '../plugin.ts'
import { credential, findServer, type RunningServer } from '../running-server.ts'

const answerMs = 5_000
const check = 'running server'

interface Told {
  readonly hash: string
  readonly plugins: readonly Pick<PluginState, 'name' | 'state' | 'lastError'>[]
}

/** The server that runs on this data folder, as its operations listener tells. */
export async function examineRunning(
  server: ServerConfig,
  dataDir: string,
  hash: string | undefined,
): Promise<readonly Finding[]> {
  const running = findServer(dataDir)
  if (running === undefined) return [{ check, verdict: 'skipped', saw: `none on ${dataDir}` }]
  try {
    return judge(await ask(running, server), running, hash)
  } catch (error) {
    const saw = `process ${running.pid} gives no answer on ${running.operations}: ${messageOf(error)}`
    const fix = 'look at its log; when it is none of ours, delete server.json in the data folder'
    return [{ check, verdict: 'failed', saw, fix }]
  }
}

async function ask(running: RunningServer, server: ServerConfig): Promise<Told | number> {
  const answer = await fetch(`${running.operations}/admin/plugins`, {
    headers: credential(server.operationsToken),
    signal: AbortSignal.timeout(answerMs),
  })
  return answer.ok ? ((await answer.json()) as Told) : answer.status
}

function judge(told: Told | number, running: RunningServer, hash: string | undefined) {
  if (typeof told === 'number') {
    const fix = 'give this command the OPERATIONS_TOKEN that the server was started with'
    return [{ check, verdict: 'failed', saw: `it refuses to tell: ${told}`, fix } as const]
  }
  const lost = told.plugins.filter(({ state }) => state === 'unavailable')
  return [whole(told, running, hash), ...lost.map(unavailable)]
}

function whole({ hash: runs, plugins }: Told, running: RunningServer, hash: string | undefined) {
  const up = plugins.filter(({ state }) => state === 'running').length
  const saw = `process ${running.pid}, ${up} plugins run`
  if (hash === undefined || runs === hash) return { check, verdict: 'ok', saw } as const
  const fix = 'autodocops reload, or run the doctor with the environment of the server'
  return { check, verdict: 'warning', saw: `${saw}, by another manifest than this`, fix } as const
}

const unavailable = ({ name, lastError }: Told['plugins'][number]): Finding => ({
  check,
  verdict: 'failed',
  saw: `plugin ${name} is unavailable: ${lastError ?? 'it did not start'}`,
  fix: `mend that; the server tries again by itself, within a minute`,
})

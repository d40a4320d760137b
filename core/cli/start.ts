import { attributeFaults } from '../attribution.ts'
import { createHost } from '../create-host.ts'
import type { Host } from '../host.ts'
import { createLog, logLevels, type LogLevel, type RootLogger } from '../log.ts'
import { faultText } from '../manifest/faults.ts'
import { readManifest } from '../manifest/read.ts'
import { watchManifest } from '../reload-watch.ts'
import { announce, withdraw } from '../running-server.ts'
import { builtInSources } from '../sources.ts'
import { hasColour } from './colour.ts'
import { Display } from './display.ts'
import type { CliIo, CliVerb } from './verb.ts'

/** After a fault that nobody caught, requests in flight get this long. */
const crashDrainMs = 10_000

export const start: CliVerb = {
  summary: 'Start the server',
  positionals: [],
  options: {
    watch: { type: 'boolean', description: 'Reload when a file of the manifest changes' },
  },
  examples: ['autodocops start', 'autodocops start --watch', 'PORT=9000 autodocops start --json'],
  run: async (args, io) => {
    const log = logFor(io)
    const display = new Display(io)
    const host = createHost({
      ...io,
      log,
      sources: builtInSources(),
      progress: (step) => display.progress(step),
      planned: ({ warnings }) => warnings.forEach((warning) => log.warn(faultText(warning))),
    })
    const ended = untilEnd(host, log)
    await host.boot()
    const dataDir = host.server?.dataDir ?? ''
    announce(dataDir, { pid: process.pid, operations: host.addresses.operations })
    if (args['watch'] === true) {
      watchManifest(readManifest(io).files, () => void host.reload().catch(() => undefined))
      log.info('watching the manifest')
    }
    await display.ready(host)
    log.info({ ...host.addresses }, 'ready')
    const code = await ended
    withdraw(dataDir)
    log.info({ code }, 'ended')
    return code
  },
}

/** Logs go to standard output, except beside `--json`, whose one line stands alone there. */
function logFor(io: CliIo): RootLogger {
  const named = io.env['LOG_LEVEL'] ?? 'info'
  const level: LogLevel = logLevels.find((known) => known === named) ?? 'info'
  const stream = { write: (line: string) => io.err(line.trimEnd()) }
  const pretty = process.stdout.isTTY && !io.json
  const colours = hasColour(process.stdout, io)
  return createLog({ level, pretty, colours, ...(io.json && { stream }) })
}

/**
 * SIGHUP reloads. The first SIGTERM or SIGINT drains and ends with 0, the second ends at once. A fault that
 * nobody caught drains shorter and ends with 1.
 */
function untilEnd(host: Host, log: RootLogger): Promise<number> {
  return new Promise((resolve) => {
    const end = (code: number, drainMs?: number) => {
      host.close(drainMs).then(
        () => resolve(code),
        (error: unknown) => {
          log.error({ err: error }, 'could not stop cleanly')
          resolve(1)
        },
      )
    }
    const ending = { begun: false }
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      process.on(signal, () => {
        if (ending.begun) process.exit(code)
        ending.begun = true
        log.info({ signal }, 'draining')
        end(0)
      })
    }
    process.on('SIGHUP', () => {
      host.reload().catch(() => undefined) // the host has logged why
    })
    attributeFaults((plugin, error) => {
      log.error({ plugin, err: error }, 'a fault that nobody caught; draining, then exit 1')
      if (!ending.begun) end(1, crashDrainMs)
      ending.begun = true
    })
  })
}

import type { AppView, CommandIo, MigrationState } from 'autodocops'

import type { MigrationRunner } from './migrator.ts'

interface Needs {
  readonly migrations: MigrationRunner
  readonly app: AppView
}

type Args = Readonly<Record<string, string | boolean | readonly string[] | undefined>>
type Line = { readonly plugin: string } & Pick<MigrationState, 'applied' | 'pending'>

export const migrate = {
  summary: 'Show the migrations of every plugin that is on (status), or apply what is pending (up)',
  positionals: ['action'],
  examples: ['autodocops migrate status', 'autodocops migrate up'],
  seesApp: true,
  run: async ({ migrations, app }: Needs, args: Args, io: CommandIo): Promise<number> => {
    const action = args['action']
    if (action !== 'status' && action !== 'up') {
      io.err("migrate takes 'status' or 'up'")
      return 2
    }
    const lines: Line[] = []
    for (const { plugin, directory } of app.migrations()) {
      if (action === 'up') await applyAll(migrations, plugin, directory, io)
      const { applied, pending } = await migrations.state(plugin, directory)
      lines.push({ plugin, applied, pending })
    }
    if (io.json) io.out(JSON.stringify(lines))
    else for (const line of lines) io.out(textOf(line))
    return 0
  },
}

async function applyAll(
  migrations: MigrationRunner,
  plugin: string,
  directory: URL,
  { step }: CommandIo,
): Promise<void> {
  const { pending } = await migrations.state(plugin, directory)
  if (pending.length > 0) step(`${plugin}: ${pending.join(', ')}`)
  await migrations.apply(plugin, directory)
}

const textOf = ({ plugin, applied, pending }: Line): string =>
  `${plugin}: ${String(applied.length)} applied, ${String(pending.length)} pending${pending.map((name) => `\n  ${name}`).join('')}`

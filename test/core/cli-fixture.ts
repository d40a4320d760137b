import type { CliArgs, CliVerb } from '../../core/cli/verb.ts'
import { inFolder, type Environment } from './manifest-fixture.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

interface Setting {
  readonly yaml?: string
  readonly env?: Environment
  readonly json?: boolean
  readonly files?: Readonly<Record<string, string>>
}

/** Runs a verb in a folder that is there. */
export async function runIn(
  cwd: string,
  verb: CliVerb,
  args: CliArgs,
  { env = {}, json = false }: Pick<Setting, 'env' | 'json'> = {},
): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []]
  const io = {
    cwd,
    env,
    json,
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    step: () => undefined,
  }
  const code = await verb.run(args, io)
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** Runs a verb in a folder of its own; without `yaml` on the built-in manifest. */
export function run(verb: CliVerb, args: CliArgs = {}, setting: Setting = {}): Promise<Ran> {
  const { yaml, env = {}, json = false, files = {} } = setting
  const manifest = yaml === undefined ? {} : { 'config/manifest.yaml': yaml }
  return inFolder({ ...manifest, ...files }, (cwd) => runIn(cwd, verb, args, { env, json }))
}

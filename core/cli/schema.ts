import { didYouMean } from '../manifest/closest.ts'
import { manifestSchema } from '../manifest/json-schema.ts'
import { readManifest } from '../manifest/read.ts'
import { knownPlugins } from './known-plugins.ts'
import { exitCodes, type CliVerb } from './verb.ts'

export const schema: CliVerb = {
  summary: 'Print the JSON Schema of a manifest, or of one plugin’s config',
  positionals: ['[plugin]'],
  options: {},
  examples: ['autodocops schema > config/manifest.schema.json', 'autodocops schema cache'],
  run: (args, io) => {
    const known = knownPlugins(readManifest({ cwd: io.cwd, env: io.env }))
    const name = args['plugin']
    const one = known.find((facts) => facts.name === name)
    if (typeof name === 'string' && one === undefined) {
      const hint =
        didYouMean(
          name,
          known.map((facts) => facts.name),
        ) ?? 'autodocops plugins'
      io.err(`no plugin is named '${name}'\n    hint: ${hint}`)
      return exitCodes.failed
    }
    io.out(JSON.stringify(one?.config ?? manifestSchema(known), null, io.json ? 0 : 2))
    return exitCodes.done
  },
}

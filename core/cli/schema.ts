import { manifestSchema } from '../manifest/json-schema.ts'
import { builtInSources } from '../sources.ts'
import { exitCodes, type CliVerb } from './verb.ts'

export const schema: CliVerb = {
  summary: 'Print the JSON Schema of a manifest, or of one plugin’s config',
  positionals: ['[plugin]'],
  options: {},
  examples: ['autodocops schema > config/manifest.schema.json', 'autodocops schema cache'],
  run: (args, io) => {
    const sources = builtInSources()
    const name = args['plugin']
    if (typeof name !== 'string') {
      const facts = [...sources.values()].map((source) => source.facts)
      io.out(JSON.stringify(manifestSchema(facts), null, 2))
      return exitCodes.done
    }
    const source = sources.get(name)
    if (source === undefined) {
      io.err(`no plugin is named '${name}'\n    hint: autodocops plugins`)
      return exitCodes.failed
    }
    io.out(JSON.stringify(source.facts.config, null, 2))
    return exitCodes.done
  },
}

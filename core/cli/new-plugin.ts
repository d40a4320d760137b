import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

import { packageVersion } from '../package-root.ts'
import { UsageError } from './arguments.ts'
import { pluginTemplate } from './plugin-template.ts'
import { exitCodes, type CliVerb } from './verb.ts'

export const newPlugin: CliVerb = {
  summary: 'Write a working plugin: config, a service, a route, a test, a README',
  positionals: ['name'],
  options: {
    dir: { type: 'string', description: 'Where its folder goes', default: './my-plugins' },
  },
  examples: ['autodocops new-plugin hello', 'autodocops new-plugin hello --dir ./plugins'],
  run: (args, io) => {
    const name = String(args['name'])
    if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
      throw new UsageError(`'${name}' is no plugin name: lower-case words joined by hyphens`)
    }
    const folder = join(resolve(io.cwd, String(args['dir'])), name)
    if (existsSync(folder)) throw new UsageError(`${folder} exists already`)
    const files = pluginTemplate(name, packageVersion())
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    io.out(io.json ? JSON.stringify({ folder, files: Object.keys(files) }) : nextSteps(name, args))
    return exitCodes.done
  },
}

const nextSteps = (name: string, args: Readonly<Record<string, unknown>>) =>
  [
    `Wrote ${Object.keys(pluginTemplate(name, '1.0.0')).length} files to ${String(args['dir'])}/${name}`,
    '',
    'Switch it on in config/manifest.yaml (from: counts from the folder of that file)',
    `  ${name}: { from: ../${String(args['dir']).replace(/^\.\//, '')}/${name} }`,
    'Try its tests',
    `  node ${String(args['dir'])}/${name}/test.js`,
  ].join('\n')

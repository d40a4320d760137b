import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

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
    const names = Object.keys(files)
    if (io.json) io.out(JSON.stringify({ folder, files: names }))
    else io.out(nextSteps(name, folder, io.cwd, names.length))
    return exitCodes.done
  },
}

const nextSteps = (name: string, folder: string, cwd: string, count: number) =>
  [
    `Wrote ${count} files to ${relative(cwd, folder)}`,
    '',
    'Switch it on in config/manifest.yaml (from: counts from the folder of that file)',
    `  ${name}: { from: ${relative(join(cwd, 'config'), folder)} }`,
    'Try its tests',
    `  node ${relative(cwd, folder)}/test.js`,
    'Its README tells what else a plugin may bring.',
  ].join('\n')

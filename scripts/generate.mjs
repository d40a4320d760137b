#!/usr/bin/env node
/**
 * Writes what follows from the code: plugins/index.json, config/manifest.schema.json, .env.example,
 * docs/configuration.md and the dashboards of Grafana. With `--check` it writes nothing and fails when one
 * of them is out of date. `npm run generate -- ./my-plugins/hello` writes the dashboard of that plugin, from
 * outside, beside ours: `npm:<package>` or a folder, as in a manifest.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const path = (name) => fileURLToPath(new URL(name, root))

/** The source is TypeScript, and `autodocops` must mean this checkout. */
function sourceRuntime() {
  const node24 = path('.cache/node24/bin/node')
  if (process.features.typescript) return [process.execPath, '--conditions=source']
  if (existsSync(node24)) return [node24, '--conditions=source']
  return [path('node_modules/.bin/deno'), 'run', '-A', '--conditions=source']
}

if (!process.env.AUTODOCOPS_GENERATE) {
  const [command, ...flags] = sourceRuntime()
  const args = [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const env = { ...process.env, AUTODOCOPS_GENERATE: '1', NODE_NO_WARNINGS: '1' }
  process.exit(spawnSync(command, args, { stdio: 'inherit', env }).status ?? 1)
}

const { factsOf } = await import('../core/facts.ts')
const { manifestSchema } = await import('../core/manifest/json-schema.ts')
const { configurationPage, environmentExample } = await import('../core/manifest/reference.ts')

const { outsideSource } = await import('../core/sources.ts')
const { dashboardFiles, ownDashboardFile } = await import('../monitoring/dashboards/index.ts')

const isCheck = process.argv.includes('--check')
const outside = process.argv.slice(2).filter((word) => !word.startsWith('-'))
let failed = false

const ours = []
for (const name of readdirSync(path('plugins'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .toSorted()) {
  try {
    const { default: plugin } = await import(`../plugins/${name}/index.ts`)
    ours.push(plugin)
  } catch (error) {
    console.error(
      `!!! plugins/${name} is left out: ${String(error?.message ?? error).split('\n')[0]}`,
    )
    failed ||= isCheck
  }
}

const plugins = ours.map(factsOf)
const theirs = await Promise.all(outside.map((from) => outsideSource(from, process.cwd()).load()))

const json = (value) => `${JSON.stringify(value, null, 2)}\n`
const manifest = readFileSync(path('config/manifest.yaml'), 'utf8')
const files = {
  'plugins/index.json': json({ plugins }),
  'config/manifest.schema.json': json(manifestSchema(plugins)),
  '.env.example': environmentExample(plugins, manifest),
  'docs/configuration.md': configurationPage(plugins, manifest),
  ...dashboardFiles(ours),
  ...Object.assign({}, ...theirs.map(ownDashboardFile)),
}

for (const [name, text] of Object.entries(files)) {
  const before = existsSync(path(name)) ? readFileSync(path(name), 'utf8') : ''
  if (before === text) continue
  if (isCheck) {
    console.error(`${name} is out of date: npm run generate`)
    failed = true
  } else {
    writeFileSync(path(name), text)
    console.log(`wrote ${name}`)
  }
}

process.exit(failed ? 1 : 0)

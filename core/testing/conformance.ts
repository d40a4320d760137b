import semver from 'semver'
import type * as z from 'zod'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import { dashboardFaults } from '../dashboard-faults.ts'
import { factsOf } from '../facts.ts'
import type { Plugin } from '../plugin.ts'
import { innermost, secretRule } from '../manifest/schema-walk.ts'
import { Secret } from '../secret.ts'
import type { HardTokens, Tokens } from '../service.ts'
import { life, type LifeOptions } from './conformance-life.ts'
import { routeTable } from './conformance-routes.ts'
import { testPlugin, type TestPluginOptions } from './test-plugin.ts'

export interface ConformanceOptions<R extends Tokens> extends TestPluginOptions<R>, LifeOptions {
  /** Prefixes of metric names besides the plugin's own id. */
  readonly metricPrefixes?: readonly string[]
  /** What stands in its package.json under `autodocops`, or in an index: must be what the code says. */
  readonly facts?: object
  /** False where the doubles cannot answer: the examples of its routes are not sent. */
  readonly callRoutes?: boolean
}

const marker = 'conformance-canary-secret-0123456789abcdef'

/**
 * What every plugin owes, ours and yours: about twenty uvu checks. Call it in a test file of its own, with
 * doubles for what the plugin requires; it runs them.
 */
export function conformance<N extends string, R extends Tokens, P extends HardTokens>(
  plugin: Plugin<N, R, P>,
  options: ConformanceOptions<R> = {},
): void {
  const check = suite(`${plugin.name} keeps the plugin contract`)
  facts(check, plugin)
  if (options.facts !== undefined) staticFacts(check, plugin, options.facts)
  configuration(check, plugin)
  routeTable(check, plugin, options)
  metricFamilies(check, plugin, options.metricPrefixes ?? [])
  life(check, plugin, options)
  secrecy(check, plugin, options)
  check.run()
}

type Suite = ReturnType<typeof suite>
type AnyPlugin = Plugin<string, Tokens, HardTokens>

function facts(check: Suite, plugin: AnyPlugin): void {
  check('its name is kebab-case', () => {
    assert.match(plugin.name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
  })
  check('its version and its core range are semver', () => {
    assert.ok(semver.valid(plugin.version))
    assert.ok(semver.validRange(plugin.core))
  })
  check('its summary is one line', () => {
    assert.ok(plugin.summary.length > 0)
    assert.not.match(plugin.summary, /\n/)
  })
  check('what it promises and builds inside is built, and nothing else', () => {
    const promised = [...Object.keys(plugin.provides), ...Object.keys(plugin.internal)]
    assert.equal(Object.keys(plugin.services).toSorted(), promised.toSorted())
  })
  check('its migrations, if any, stand in a folder of their own', () => {
    if (plugin.migrations !== undefined) assert.match(plugin.migrations.href, /\/$/)
  })
  check('every command has a summary and an example', () => {
    for (const [name, { summary, examples }] of Object.entries(plugin.commands)) {
      assert.ok(summary.length > 0, name)
      assert.ok(examples.length > 0, name)
    }
  })
  check('every example of a command can be pasted', () => {
    for (const [name, { examples }] of Object.entries(plugin.commands))
      for (const example of examples) assert.match(example, `autodocops ${name}`)
  })
}

function staticFacts(check: Suite, plugin: AnyPlugin, written: object): void {
  check('its static facts are what its code says', () => {
    const expected = JSON.parse(JSON.stringify(factsOf(plugin))) as object
    const own = Object.entries(written).filter(([key]) => key in expected)
    assert.equal(Object.fromEntries(own), expected)
  })
}

function configuration(check: Suite, plugin: AnyPlugin): void {
  check('its valid config examples are accepted', () => {
    assert.ok(plugin.examples.config.valid.length > 0)
    for (const example of plugin.examples.config.valid) {
      const { success, error } = plugin.config.safeParse(example)
      assert.ok(success, `${JSON.stringify(example)}: ${error?.message ?? ''}`)
    }
  })
  check('its invalid config examples are refused', () => {
    for (const example of plugin.examples.config.invalid) {
      assert.not(plugin.config.safeParse(example).success, JSON.stringify(example))
    }
  })
  check('an unknown config key is refused', () => {
    const [valid] = plugin.examples.config.valid
    const { success } = plugin.config.safeParse({ ...(valid as object), 'no-such-key': 1 })
    assert.not(success)
  })
  check('every config key is described', () => {
    for (const [key, schema] of Object.entries(shapeOf(plugin))) {
      assert.ok(schema.description !== undefined && schema.description.length > 0, key)
    }
  })
}

function metricFamilies(check: Suite, plugin: AnyPlugin, prefixes: readonly string[]): void {
  const own = [plugin.name.replaceAll('-', '_'), ...prefixes]
  check('its metrics carry its prefix, a help text and closed labels', () => {
    for (const { name, help, labels } of plugin.metrics) {
      assert.ok(
        own.some((prefix) => name.startsWith(`${prefix}_`)),
        name,
      )
      assert.ok(help.length > 0, name)
      assert.not('le' in labels || 'quantile' in labels, name)
    }
  })
  check('its dashboard row, if any, shows its own metrics and all of them', () => {
    if (plugin.dashboard === undefined) return
    assert.equal(dashboardFaults(plugin.dashboard, plugin.metrics), [])
    const shown = JSON.stringify(plugin.dashboard)
    for (const { name } of plugin.metrics) assert.ok(shown.includes(`"${name}"`), name)
  })
  check('every metric is used: an event counts it, or it is collected', () => {
    for (const { name, on, collect } of plugin.metrics) {
      assert.ok(Object.keys(on).length > 0 || collect !== undefined, name)
    }
  })
}

function secrecy<R extends Tokens>(
  check: Suite,
  plugin: AnyPlugin,
  options: ConformanceOptions<R>,
): void {
  const keys = Object.entries(shapeOf(plugin))
    .filter(([, schema]) => secretRule(schema) !== undefined)
    .map(([key]) => key)
  const withMarkers = () => {
    const secrets = Object.fromEntries(keys.map((key) => [key, `${marker}-${key}`]))
    return { ...((options.config ?? {}) as object), ...secrets }
  }
  check('every secret of its config is a Secret, which prints nothing', () => {
    const { success, data } = plugin.config.safeParse(withMarkers())
    if (!success) return
    assert.not.match(JSON.stringify(data), new RegExp(marker))
    for (const key of keys) assert.instance(Reflect.get(data as object, key), Secret)
  })
  check('its start tells no secret, neither in its log nor in an error', async () => {
    if (keys.length === 0 || !plugin.config.safeParse(withMarkers()).success) return
    const said = await testPlugin(plugin, { ...options, config: withMarkers() }).then(
      async (tested) => {
        await tested.stop()
        return tested.logs
          .map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`)
          .join()
      },
      (error: unknown) => String(error),
    )
    assert.not.match(said, new RegExp(marker))
  })
}

function shapeOf(plugin: AnyPlugin): Readonly<Record<string, z.ZodType>> {
  const { shape } = innermost(plugin.config) as { readonly shape?: Record<string, z.ZodType> }
  return shape ?? {}
}

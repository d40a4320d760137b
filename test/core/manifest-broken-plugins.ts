import type { Broken } from './manifest-fixture.ts'

/** Blocks, entries, where plugins come from. Each with all that is printed of it. */
export const plugins: readonly Broken[] = [
  {
    title: 'a misspelt block',
    yaml: ['plugin:', '  cache: true'].join('\n'),
    told: [
      "config/manifest.yaml:1:1 E_KEY_UNKNOWN plugin: unknown block 'plugin' → did you mean 'plugins'?",
    ],
  },
  {
    title: 'a plugin beside plugins',
    yaml: 'cache: true',
    told: [
      "config/manifest.yaml:1:1 E_KEY_UNKNOWN cache: unknown block 'cache' → write it under plugins: { cache: … }",
    ],
  },
  {
    title: 'a block that nobody knows',
    yaml: 'zebra: 1',
    told: [
      "config/manifest.yaml:1:1 E_KEY_UNKNOWN zebra: unknown block 'zebra' → known: server, log, plugins",
    ],
  },
  {
    title: 'plugins as a list',
    yaml: 'plugins: [cache, projects]',
    told: [
      'config/manifest.yaml:1:1 E_CONFIG plugins: must be a map of plugins → plugins: { cache: true }',
    ],
  },
  {
    title: 'plugins as text',
    yaml: 'plugins: cache',
    told: [
      'config/manifest.yaml:1:10 E_CONFIG plugins: must be a map of plugins → plugins: { cache: true }',
    ],
  },
  {
    title: 'an empty plugin',
    yaml: ['plugins:', '  cache:'].join('\n'),
    told: [
      'config/manifest.yaml:2:3 E_CONFIG plugins.cache: must be true, false or a map → cache: true, or cache: { config: { … } }',
    ],
  },
  {
    title: 'a plugin as text',
    yaml: ['plugins:', '  cache: enabled'].join('\n'),
    told: [
      'config/manifest.yaml:2:10 E_CONFIG plugins.cache: must be true, false or a map → cache: true, or cache: { config: { … } }',
    ],
  },
  {
    title: 'a plugin as a number',
    yaml: ['plugins:', '  cache: 1'].join('\n'),
    told: [
      'config/manifest.yaml:2:10 E_CONFIG plugins.cache: must be true, false or a map → cache: true, or cache: { config: { … } }',
    ],
  },
  {
    title: 'a plugin as a list',
    yaml: ['plugins:', '  cache: [config]'].join('\n'),
    told: [
      'config/manifest.yaml:2:3 E_CONFIG plugins.cache: must be true, false or a map → cache: true, or cache: { config: { … } }',
    ],
  },
  {
    title: 'a misspelt key of an entry',
    yaml: ['plugins:', '  cache: { enabeld: true }'].join('\n'),
    told: [
      "config/manifest.yaml:2:12 E_KEY_UNKNOWN plugins.cache.enabeld: unknown key 'enabeld' of a plugin → did you mean 'enabled'?",
    ],
  },
  {
    title: 'an option outside of config',
    yaml: ['plugins:', '  cache: { ttl: 20m }'].join('\n'),
    told: [
      "config/manifest.yaml:2:12 E_KEY_UNKNOWN plugins.cache.ttl: unknown key 'ttl' of a plugin → options of the plugin itself stand under config:",
    ],
  },
  {
    title: 'enabled as text',
    yaml: ['plugins:', '  cache: { enabled: "yes" }'].join('\n'),
    told: ['config/manifest.yaml:2:21 E_CONFIG plugins.cache.enabled: must be true or false'],
  },
  {
    title: 'enabled from an environment that says neither',
    yaml: ['plugins:', '  cache: { enabled: "${ON}" }'].join('\n'),
    env: { ON: 'maybe' },
    told: [
      'config/manifest.yaml:2:21 E_CONFIG plugins.cache.enabled: must be true or false (value from env ON)',
    ],
  },
  {
    title: 'enabled from an environment that says nothing',
    yaml: ['plugins:', '  cache: { enabled: "${ON}" }'].join('\n'),
    told: [
      'config/manifest.yaml:2:21 E_ENV_MISSING plugins.cache.enabled: environment variable ON is not set → set ON, or write ${ON:-default}',
    ],
  },
  {
    title: 'critical as a number',
    yaml: ['plugins:', '  cache: { critical: 0 }'].join('\n'),
    told: ['config/manifest.yaml:2:22 E_CONFIG plugins.cache.critical: must be true or false'],
  },
  {
    title: 'config as a list',
    yaml: ['plugins:', '  cache: { config: [ttl] }'].join('\n'),
    told: [
      'config/manifest.yaml:2:12 E_CONFIG plugins.cache.config: must be a map of keys, but this is a list',
    ],
  },
  {
    title: 'config as text',
    yaml: ['plugins:', '  cache: { config: ttl }'].join('\n'),
    told: [
      'config/manifest.yaml:2:20 E_CONFIG plugins.cache.config: must be a map of keys, but this is text',
    ],
  },
  {
    title: 'a misspelt plugin',
    yaml: ['plugins:', '  cahce: true'].join('\n'),
    told: [
      "config/manifest.yaml:2:3 E_PLUGIN_UNKNOWN plugins.cahce: no plugin is named 'cahce' → did you mean 'cache'?",
    ],
  },
  {
    title: 'a plugin that nobody knows',
    yaml: ['plugins:', '  zebra: true'].join('\n'),
    told: [
      "config/manifest.yaml:2:3 E_PLUGIN_UNKNOWN plugins.zebra: no plugin is named 'zebra' → known: database, cache, other-cache, projects, twin, billing, strict, keeps, limit-a, limit-b, loop, ring-a, ring-b, ring-c, on-ring, old, future, broken; others need from: npm:<package> or ./<folder>",
    ],
  },
  {
    title: 'a misspelt plugin is not missed by those who need it',
    yaml: ['plugins:', '  databse: true', '  projects: true'].join('\n'),
    told: [
      "config/manifest.yaml:2:3 E_PLUGIN_UNKNOWN plugins.databse: no plugin is named 'databse' → did you mean 'database'?",
    ],
  },
  {
    title: 'a plugin for another core',
    yaml: ['plugins:', '  old: true'].join('\n'),
    told: [
      'config/manifest.yaml:2:3 E_PLUGIN_INCOMPATIBLE plugins.old: old 1.0.0 needs a core ^0.9, this one is 1.0.0 → take another version of it, or try it all the same: plugins.old.ignoreCore: true',
    ],
  },
  {
    title: 'a plugin for another core that is let in',
    yaml: ['plugins:', '  future: { ignoreCore: true }'].join('\n'),
    told: [
      'config/manifest.yaml:2:3 warning E_PLUGIN_INCOMPATIBLE plugins.future: future 1.0.0 needs a core >=2, this one is 1.0.0 → runs all the same, since ignoreCore is true',
    ],
  },
  {
    title: 'a plugin whose schema cannot be loaded',
    yaml: ['plugins:', '  broken: true'].join('\n'),
    told: [
      'config/manifest.yaml:2:3 E_PLUGIN_LOAD plugins.broken: cannot be loaded: no such module',
    ],
  },
  {
    title: 'from that is no place',
    yaml: ['plugins:', '  slack: { from: "@acme/slack" }'].join('\n'),
    told: [
      'config/manifest.yaml:2:18 E_CONFIG plugins.slack.from: must be npm:<package> or ./<folder> → a package is installed first: npm install <package>',
    ],
  },
  {
    title: 'from https',
    yaml: ['plugins:', '  slack: { from: "https://example.com/p.js" }'].join('\n'),
    told: [
      'config/manifest.yaml:2:18 E_CONFIG plugins.slack.from: must be npm:<package> or ./<folder> → a package is installed first: npm install <package>',
    ],
  },
  {
    title: 'a package that is not installed',
    yaml: ['plugins:', '  slack: { from: "npm:@acme/slack" }'].join('\n'),
    told: [
      "config/manifest.yaml:2:18 E_PLUGIN_LOAD plugins.slack.from: cannot be loaded: the package '@acme/slack' is not installed → Install it beside the manifest: npm install @acme/slack",
    ],
  },
  {
    title: 'a folder that is not there',
    yaml: ['plugins:', '  reports: { from: ./reports }'].join('\n'),
    told: [
      'config/manifest.yaml:2:20 E_PLUGIN_LOAD plugins.reports.from: cannot be loaded: there is no plugin in the folder <cwd>/config/reports → It needs a package.json with "autodocops", or an index.ts or index.js.',
    ],
  },
  {
    title: 'a folder whose facts lack a name',
    yaml: ['plugins:', '  reports: { from: ./reports }'].join('\n'),
    files: { 'config/reports/package.json': '{"autodocops":{"version":"1","core":"^1"}}' },
    told: [
      'config/manifest.yaml:2:20 E_PLUGIN_LOAD plugins.reports.from: cannot be loaded: <cwd>/config/reports/package.json: name is required → Its author writes them with: autodocops plugins --facts <folder>',
    ],
  },
  {
    title: 'a folder whose package.json is broken',
    yaml: ['plugins:', '  reports: { from: ./reports }'].join('\n'),
    files: { 'config/reports/package.json': '{' },
    told: [
      'config/manifest.yaml:2:20 E_PLUGIN_LOAD plugins.reports.from: cannot be loaded: <cwd>/config/reports/package.json: is not JSON → Its author writes them with: autodocops plugins --facts <folder>',
    ],
  },
  {
    title: 'a folder that calls itself otherwise',
    yaml: ['plugins:', '  reports: { from: ./reports }'].join('\n'),
    files: {
      'config/reports/package.json': '{"autodocops":{"name":"report","version":"1","core":"^1"}}',
    },
    told: [
      "config/manifest.yaml:2:3 E_PLUGIN_LOAD plugins.reports: the plugin calls itself 'report', not 'reports' → write it under plugins.report",
    ],
  },
  {
    title: 'a folder with another core',
    yaml: ['plugins:', '  reports: { from: ./reports }'].join('\n'),
    files: {
      'config/reports/package.json':
        '{"autodocops":{"name":"reports","version":"3.1.0","core":"^7"}}',
      'config/reports/config.js': '',
    },
    told: [
      'config/manifest.yaml:2:3 E_PLUGIN_INCOMPATIBLE plugins.reports: reports 3.1.0 needs a core ^7, this one is 1.0.0 → take another version of it, or try it all the same: plugins.reports.ignoreCore: true',
      "config/manifest.yaml:2:20 E_PLUGIN_LOAD plugins.reports.from: cannot be loaded: <cwd>/config/reports/config.js exports no zod schema named 'config'",
    ],
  },
]

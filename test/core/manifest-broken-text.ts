import type { Broken } from './manifest-fixture.ts'

/** Files, profiles, YAML. Each with all that is printed of it. */
export const text: readonly Broken[] = [
  {
    title: 'text that is no map',
    yaml: 'hello',
    told: [
      'config/manifest.yaml:1:1 E_CONFIG $: a manifest is a map of server, log and plugins → begin with: plugins:',
    ],
  },
  {
    title: 'a list at the top',
    yaml: ['- a', '- b'].join('\n'),
    told: [
      'config/manifest.yaml:1:1 E_CONFIG $: a manifest is a map of server, log and plugins → begin with: plugins:',
    ],
  },
  {
    title: 'a tab that indents',
    yaml: ['plugins:', '\tcache: true'].join('\n'),
    told: ['config/manifest.yaml:2:1 E_SYNTAX $: a tab is used to indent → use spaces'],
  },
  {
    title: 'an unclosed quote',
    yaml: 'server: { host: "abc',
    told: [
      'config/manifest.yaml:1:21 E_SYNTAX $: something is missing here: a quote, a comma, a bracket or a space after a colon',
    ],
  },
  {
    title: 'an unclosed brace',
    yaml: 'plugins: { cache: true',
    told: ['config/manifest.yaml:1:23 E_SYNTAX $: a { or a [ is not closed'],
  },
  {
    title: 'a key twice in one map',
    yaml: ['log:', '  level: info', '  level: debug'].join('\n'),
    told: [
      'config/manifest.yaml:3:3 E_KEY_DUPLICATE $: this key stands twice in the same map → keep one of them',
    ],
  },
  {
    title: 'a plugin twice',
    yaml: ['plugins:', '  cache: true', '  cache: false'].join('\n'),
    told: [
      'config/manifest.yaml:3:3 E_KEY_DUPLICATE $: this key stands twice in the same map → keep one of them',
    ],
  },
  {
    title: 'a second document',
    yaml: ['plugins: {}', '---', 'plugins: {}'].join('\n'),
    told: [
      'config/manifest.yaml:2:1 E_SYNTAX $: a second document begins here (---); a manifest is one',
    ],
  },
  {
    title: 'two keys on one line',
    yaml: 'server: host: abc',
    told: [
      'config/manifest.yaml:1:9 E_SYNTAX $: two keys on one line, or a value without quotes that holds a colon → put the value in quotes',
    ],
  },
  {
    title: 'a key that slipped out of its map',
    yaml: ['plugins:', '  cache:', '    config: {}', '   other: true'].join('\n'),
    told: [
      'config/manifest.yaml:4:1 E_SYNTAX $: this line is indented wrongly → keys of one map start in the same column',
    ],
  },
  {
    title: 'an interpolation without quotes in a flow map',
    yaml: 'server: { port: ${PORT} }',
    env: { PORT: '1' },
    told: [
      'config/manifest.yaml:1:18 E_SYNTAX $: nothing like this is expected here → put an interpolation in quotes: "${NAME}"',
    ],
  },
  {
    title: 'an alias without its anchor',
    yaml: 'server: *nobody',
    told: ['config/manifest.yaml:1:9 E_SYNTAX server: an alias (*name) without its anchor'],
  },
  {
    title: 'an alias that holds itself',
    yaml: ['plugins: &a', '  cache: *a'].join('\n'),
    told: ['config/manifest.yaml:2:10 E_SYNTAX plugins.cache: an alias that holds itself'],
  },
  {
    title: 'a tag that nobody knows',
    yaml: 'server: !!python/object {}',
    told: ['config/manifest.yaml:1:9 E_SYNTAX $: this tag (!name) is not known'],
  },
  {
    title: 'a key that is a list',
    yaml: ['? [a, b]', ': true'].join('\n'),
    told: ['config/manifest.yaml:1:3 E_SYNTAX $: a key must be plain text'],
  },
  {
    title: 'a broken JSON manifest',
    yaml: '{ "plugins": { "cache": true, } ',
    told: ['config/manifest.yaml:1:33 E_SYNTAX $: a { or a [ is not closed'],
  },
  {
    title: 'a space missing after a colon in a flow map',
    yaml: ['plugins:', '  billing: { config: { key:sk_live_abcdefgh } }'].join('\n'),
    told: [
      "config/manifest.yaml:2:3 E_SERVICE_MISSING plugins.billing: 'billing' requires the service 'db', which no enabled plugin provides → enable one of: database",
      'config/manifest.yaml:2:14 E_CONFIG plugins.billing.config["key:…"]: unknown option → a space is missing after \'key:\'',
    ],
  },
  {
    title: 'syntax faults of the file and its overlay',
    yaml: 'a: [',
    env: { NODE_ENV: 'production' },
    files: { 'config/manifest.production.yaml': 'b: {' },
    told: [
      'config/manifest.production.yaml:1:5 E_SYNTAX $: a { or a [ is not closed',
      'config/manifest.yaml:1:5 E_SYNTAX $: a { or a [ is not closed',
    ],
  },
  {
    title: 'a manifest that is not there',
    yaml: '',
    env: { AUTODOCOPS_MANIFEST: 'nowhere.yaml' },
    told: [
      'nowhere.yaml:1:1 E_MANIFEST_MISSING $: this file cannot be read → name another by AUTODOCOPS_MANIFEST, or unset it to use config/manifest.yaml',
    ],
  },
  {
    title: 'a manifest that is empty, as an editor leaves it for a moment',
    yaml: ' \n',
    told: [
      'config/manifest.yaml:1:1 E_MANIFEST_MISSING $: this file is empty → write `plugins: {}` for a server without plugins',
    ],
  },
  {
    title: 'a profile without a file',
    yaml: 'plugins: {}',
    env: { AUTODOCOPS_PROFILE: 'prodution' },
    told: [
      'config/manifest.yaml:1:1 E_PROFILE_UNKNOWN $: the profile that AUTODOCOPS_PROFILE names has no file beside the manifest → write config/manifest.<profile>.yaml, or unset AUTODOCOPS_PROFILE',
    ],
  },
  {
    title: 'a profile that is a path',
    yaml: 'plugins: {}',
    env: { AUTODOCOPS_PROFILE: '../../etc/passwd' },
    told: [
      'config/manifest.yaml:1:1 E_PROFILE_UNKNOWN $: the profile that AUTODOCOPS_PROFILE names has no file beside the manifest → write config/manifest.<profile>.yaml, or unset AUTODOCOPS_PROFILE',
    ],
  },
]

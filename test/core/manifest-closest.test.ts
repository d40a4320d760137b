import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { closest } from '../../core/manifest/closest.ts'

const table: readonly (readonly [
  name: string,
  candidates: readonly string[],
  meant: string | undefined,
])[] = [
  ['billng', ['cache', 'billing'], 'billing'],
  ['prot', ['post', 'port'], 'port'],
  ['REDIS', ['redis'], 'redis'],
  ['databases', ['database'], 'database'],
  ['zebra', ['cache', 'docs'], undefined],
  ['x', ['y'], undefined],
  ['ttl', ['tag', 'ttls'], 'ttls'],
  ['', ['a'], undefined],
]

for (const [name, candidates, meant] of table) {
  test(`'${name}' among ${candidates.join(', ')} means ${meant ?? 'none of them'}`, () => {
    assert.is(closest(name, candidates), meant)
  })
}

test.run()

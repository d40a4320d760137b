/** Advisories are known for lower versions; `npm audit` needs a registry that answers, this needs the lockfile. */
import { readFileSync } from 'node:fs'

import semver from 'semver'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { rootUrl } from '../harness/root.ts'

interface Floor {
  readonly from: string
  readonly because: string
}

const floors: Readonly<Record<string, Floor>> = {
  koa: {
    from: '3.1.2',
    because:
      'CVE-2025-25200, -32379, -8129, -62595, CVE-2026-27959: X-Forwarded-*, redirects, hostname',
  },
  '@koa/router': { from: '15.7.0', because: 'CVE-2026-9495: middleware of a prefix was dropped' },
  'path-to-regexp': { from: '8.4.0', because: 'CVE-2024-45296, CVE-2026-4926: backtracking' },
  qs: { from: '6.14.2', because: 'CVE-2025-15284, CVE-2026-2391: memory' },
}
/** Patch releases that close CVE-2026-21710, -21637, -21714 and -21717. */
const runtimes = ['>=20.20.2 <21', '>=22.22.2 <23', '>=24.14.1']

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>
}

function lockfile(): Lockfile {
  return JSON.parse(readFileSync(new URL('package-lock.json', rootUrl), 'utf8')) as Lockfile
}

/** Every copy of a package that production installs, wherever it is nested. */
const copies = (name: string) =>
  Object.entries(lockfile().packages).filter(
    ([path, { dev }]) => path.endsWith(`node_modules/${name}`) && dev !== true,
  )

for (const [name, { from, because }] of Object.entries(floors))
  test(`${name} is at least ${from} (${because})`, () => {
    for (const [path, { version = '0.0.0' }] of copies(name))
      assert.ok(semver.gte(version, from), `${path} is ${version}`)
  })

test('the lockfile is really read', () => {
  assert.is(copies('koa').length, 1)
  assert.is(copies('@koa/router').length, 1)
})

test('one ioredis is installed, and it is ours', () => {
  assert.equal(
    copies('ioredis').map(([path]) => path),
    ['node_modules/ioredis'],
  )
})

test('this Node has the security releases of March 2026', () => {
  if ('Deno' in globalThis) return
  const { node } = process.versions
  assert.ok(
    runtimes.some((range) => semver.satisfies(node, range)),
    `Node ${node} is in none of ${runtimes.join(', ')}`,
  )
})

test.run()

/** What .github/workflows promises: parsed, since nobody runs a release to see whether it is right. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'

import { root } from '../harness/root.ts'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Job {
  readonly needs?: string
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps: readonly Step[]
}
interface Workflow {
  readonly on: Readonly<Record<string, { readonly tags?: unknown; readonly branches?: unknown }>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const folder = join(root, '.github/workflows')
const text = (name: string) => readFileSync(join(folder, name), 'utf8')
const all = readdirSync(folder).map((name) => [name, parse(text(name)) as Workflow] as const)
const [ci, release] = ['ci.yml', 'release.yml'].map((name) => parse(text(name)) as Workflow)
const runs = (job: Job | undefined) => (job?.steps ?? []).flatMap(({ run }) => run ?? [])
const using = (job: Job | undefined, action: string) =>
  job?.steps.find(({ uses }) => uses?.startsWith(`${action}@`))

test('every push and pull request runs .ci/run', () => {
  assert.equal(Object.keys(ci?.on ?? {}), ['push', 'pull_request'])
  assert.equal(ci?.on['push']?.branches, ['**'])
  assert.ok(runs(ci?.jobs['test']).includes('.ci/run'))
})

test('a release begins with a tag v*, the version of package.json, and .ci/run; all else waits for it', () => {
  const { test: proof, ...others } = release?.jobs ?? {}

  assert.equal(release?.on, { push: { tags: ['v*'] } })
  assert.ok(runs(proof).includes('.ci/run'))
  assert.equal(
    Object.values(others).map(({ needs }) => needs),
    ['test', 'test'],
  )
})

test('the step that holds the tag against the version takes v and the version, and nothing else', () => {
  const step = runs(release?.jobs['test']).find((run) => run.includes('GITHUB_REF_NAME')) ?? ''
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  const isTaken = (tag: string) => {
    try {
      execFileSync('bash', ['-euc', step], {
        cwd: root,
        env: { ...process.env, GITHUB_REF_NAME: tag },
      })
      return true
    } catch {
      return false
    }
  }

  assert.ok(isTaken(`v${version}`))
  assert.not(isTaken(version))
  assert.not(isTaken(`v${version}-rc.1`))
})

test('nothing may be written but by the job that needs it', () => {
  for (const [name, { permissions }] of all) assert.equal(permissions, { contents: 'read' }, name)
  const granted = all.flatMap(([name, { jobs }]) =>
    Object.entries(jobs).flatMap(([job, { permissions = {} }]) =>
      Object.entries(permissions)
        .filter(([, right]) => right !== 'read')
        .map(([what, right]) => `${name} ${job} ${what}: ${right}`),
    ),
  )

  assert.equal(granted, ['release.yml image packages: write', 'release.yml npm id-token: write'])
})

test('every action is pinned by a whole commit, with its version beside it, and keeps no credential', () => {
  const uses = all.flatMap(([name]) => [...text(name).matchAll(/^\s*- uses: (.+)$/gm)])
  const steps = all.flatMap(([, { jobs }]) => Object.values(jobs).flatMap((job) => job.steps))
  const checkouts = steps.filter((step) => step.uses?.startsWith('actions/checkout@'))

  assert.ok(uses.length > 8)
  for (const [, action] of uses)
    assert.match(action ?? '', /^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  for (const checkout of checkouts) assert.is(checkout.with?.['persist-credentials'], false)
})

test('the package is built and published with its provenance', () => {
  const commands = runs(release?.jobs['npm'])
  const publish = commands.findIndex((run) => run.startsWith('npm publish'))

  assert.match(commands[publish] ?? '', '--provenance')
  assert.ok(commands.indexOf('npm run build') >= 0 && commands.indexOf('npm run build') < publish)
})

test('the image is pushed for two architectures, under the version, with its provenance', () => {
  const image = release?.jobs['image']
  const { platforms, push, provenance, tags } = using(image, 'docker/build-push-action')?.with ?? {}
  const step = runs(image).find((run) => run.includes('image=')) ?? ''
  const env = {
    ...process.env,
    GITHUB_REPOSITORY: 'Acme/Docs',
    GITHUB_REF_NAME: 'v1.2.3',
  }

  assert.is(platforms, 'linux/amd64,linux/arm64')
  assert.is(push, true)
  assert.is(provenance, 'mode=max')
  assert.is(tags, '${{ steps.name.outputs.image }}')
  assert.is(
    execFileSync('bash', ['-euc', step.replace('>> "$GITHUB_OUTPUT"', '')], {
      env,
      encoding: 'utf8',
    }).trim(),
    'image=ghcr.io/acme/docs:1.2.3',
  )
})

test.run()

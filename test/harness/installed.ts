import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import { root } from './root.ts'

/** Somebody's folder with our package in it: the packed tarball, unpacked where npm would. */
export function installPackage(home: string): void {
  const build = "import('./scripts/build.mjs').then((made) => made.isStale() && made.build())"
  execFileSync(process.execPath, ['-e', build], { cwd: root })
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', home], {
    cwd: root,
  })
  const tarball = join(home, readdirSync(home).find((file) => file.endsWith('.tgz')) ?? '')
  const modules = join(home, 'node_modules')
  const ours = join(modules, 'autodocops')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  mkdirSync(ours)
  execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', ours])
  rmSync(tarball)
  const program = 'autodocops/dist/core/cli/main.js'
  chmodSync(join(modules, program), 0o755) // as npm does
  symlinkSync(join('..', program), join(modules, '.bin/autodocops'))
  // What npm would install beside it stands in the checkout already.
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === 'autodocops' || name.startsWith('.')) continue
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  const dependencies = { autodocops: '1.0.0' }
  writeFileSync(join(home, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
}

/** An application in code: just the plugins of the list, whatever else this package has. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { AnyPlugin } from '../../core/app-options.ts'
import { defineApp } from '../../core/define-app.ts'
import { createLog } from '../../core/log.ts'
import auth from '../../plugins/auth/index.ts'
import llmChat from '../../plugins/llm-chat/index.ts'
import { closedAfterwards } from '../harness/closing.ts'

const secret = 'k3Xv9Qp2Lr7Tz5Wm8Yb4Nc6Jd1Hf0Gs-of-this-test'
const manifest = {
  log: { level: 'silent' },
  server: { port: 0, operations: '127.0.0.1:0' },
  plugins: { auth: { config: { secret } } },
}
const log = createLog({ level: 'silent', pretty: false })

for (const plugins of [[auth], [auth, llmChat]] as readonly (readonly AnyPlugin[])[]) {
  const names = plugins.map(({ name }) => name).join(' and ')

  test(`${names} alone, with migrations and no database, start and answer`, async () => {
    const host = await defineApp(plugins, { manifest, log }).start()
    closedAfterwards(host, () => host.close())

    const reply = await fetch(`${host.addresses.public}/readyz`)

    assert.equal(await reply.json(), { status: 'ready' })
    assert.equal(
      host.plugins().map(({ name, state }) => `${name} ${state}`),
      plugins.map(({ name }) => `${name} running`),
    )
  })
}

test.run()

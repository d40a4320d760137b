import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { SignJWT } from 'jose'
import { chromium } from 'playwright-core'
import type { Page } from 'playwright-core'

import { skip } from '../harness/skip.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
if (program === undefined) skip('a Chromium', 'apt-get install chromium')
if (!['/usr/bin/openssl', '/bin/openssl'].some(existsSync))
  skip('openssl', 'apt-get install openssl')

export const secrets = {
  JWT_SECRET_KEY: 'p5Tn8Wv1Xq4Zc7Ub2Yd6Ek9Rf3Gh0JmLs-browser',
  SESSION_SECRET: 'd2Fg5Hj8Kl1Zx4Cv7Bn0Mq3We6Rt9YuOp-browser',
}
export const manifest = (origins: readonly string[], cookie: object = {}) => `
server: { port: 0, operations: "127.0.0.1:0", dataDir: "\${DATA_DIR}", origins: ${JSON.stringify(origins)} }
plugins:
  auth: { config: { secret: "\${JWT_SECRET_KEY}" } }
  sessions: { config: { secret: "\${SESSION_SECRET}", cookie: ${JSON.stringify(cookie)} } }
`

/** As anybody makes one who has the secret. */
export const tokenOf = (subject: string) =>
  new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setIssuer('autodocops')
    .setAudience('autodocops')
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secrets.JWT_SECRET_KEY))

const profiles: string[] = []

/** Some browsers, and Debian's Chromium, send no cookie from one site to another unless it is partitioned. */
export async function browserThat(does: 'sends cookies to other sites' | 'keeps sites apart') {
  const profile = mkdtempSync(join(tmpdir(), 'autodocops-chromium-'))
  profiles.push(profile)
  const mode = does === 'keeps sites apart' ? 1 : 0
  mkdirSync(join(profile, 'Default'))
  const preferences = { profile: { cookie_controls_mode: mode } }
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  return chromium.launchPersistentContext(profile, {
    executablePath: program ?? '',
    ignoreHTTPSErrors: true,
    args: ['--no-sandbox', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  })
}

interface Asked {
  readonly status: number
  readonly body: { readonly subject?: string; readonly via?: string; readonly code?: string }
}

/** A script of the page asks the server, with whatever cookies the browser sends along. */
export const ask = (page: Page, url: string, init: RequestInit = {}): Promise<Asked> =>
  page.evaluate(
    async ([to, options]) => {
      const reply = await fetch(to, { credentials: 'include', ...options })
      const text = await reply.text()
      return { status: reply.status, body: text === '' ? {} : (JSON.parse(text) as object) }
    },
    [url, init] as const,
  )

export function removeProfiles(): void {
  for (const profile of profiles) rmSync(profile, { recursive: true, force: true })
}

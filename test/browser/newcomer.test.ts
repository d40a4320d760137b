/**
 * The first ten minutes of somebody who follows only links on the page and commands that the README, the
 * program or its help printed: our packed package in an empty folder, a real Chromium.
 * `SCREENSHOTS=<folder>` keeps the pictures of each step and the transcript of the terminal.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import type { BrowserContext, Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder } from '../harness/ending.ts'
import { installPackage } from '../harness/installed.ts'
import { sparePort } from '../harness/ports.ts'
import { root } from '../harness/root.ts'
import { Terminal } from './newcomer-terminal.ts'
import { browserThat, removeProfiles } from './sessions-chromium.ts'

const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-newcomer-')))
const pictures = process.env['SCREENSHOTS']
const terminal = new Terminal(home, {
  PORT: String(await sparePort()),
  OPERATIONS_ADDRESS: `127.0.0.1:${await sparePort()}`,
})
const errors: string[] = []
const addresses = new Set<string>()
let context: BrowserContext
let page: Page

test.before(async () => {
  installPackage(home)
  terminal.show(readFileSync(join(root, 'README.md'), 'utf8'))
  context = await browserThat('keeps sites apart')
  context.on('weberror', (error) => errors.push(String(error.error())))
  context.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  context.on('request', (request) => addresses.add(new URL(request.url()).origin))
})
test.after(async () => {
  if (pictures !== undefined) writeFileSync(join(pictures, 'terminal.txt'), terminal.shown)
  await context.close()
  await terminal.interrupt()
  removeProfiles()
})

/** As wide as a desk and as a phone, by day and by night. */
async function photograph(step: string, subject = page.locator('#top')): Promise<void> {
  if (pictures === undefined) return
  mkdirSync(pictures, { recursive: true })
  for (const [screen, width] of Object.entries({ desk: 1280, phone: 390 }))
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: 860 })
      await subject.evaluate((element) => element.scrollIntoView({ block: 'center' }))
      await page.screenshot({ path: join(pictures, `${step}-${screen}-${colorScheme}.png`) })
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width)
    }
  await page.setViewportSize({ width: 1280, height: 860 })
}

/** The operations that the contents link to: `POST /chat/stream`. */
const listed = (): Promise<readonly string[]> =>
  page
    .locator('#contents [data-group] a[href^="#"]:has(span)')
    .evaluateAll((links) => links.map((link) => link.textContent.replaceAll(/\s+/g, ' ').trim()))

/** By the text of a link, as a person finds it. */
const follow = (text: string) => page.locator('#contents').getByText(text, { exact: true }).click()

test('the server starts by the one command of the README, and shows where the documentation is', async () => {
  await terminal.leaveRunning('npx autodocops start', /Ctrl-C/)
  page = await context.newPage()
  await page.goto(terminal.find(/^ *Documentation +(http:\/\/127\.0\.0\.1:\d+\/docs)$/m))

  assert.match(await page.title(), 'API')
  assert.ok((await listed()).length > 20)
  await photograph('1-docs')
})

test('without a token the page says what is missing, and with the one that was printed the chat streams', async () => {
  await follow('/chat/stream')
  const form = page.locator('details.operation[open] form.try')
  const send = form.getByRole('button', { name: 'Send' })

  await send.click()
  assert.match(await form.locator('.outcome').innerText(), /bearer token.*top of the page/)
  await photograph('2-no-token', send)

  await page.getByLabel('Bearer token').fill(terminal.find(/export TOKEN=(\S+)/))
  const lengths = await form.locator('[data-output]').evaluateHandle((output) => {
    const seen: number[] = []
    new MutationObserver(() => seen.push(output.textContent.length)).observe(output, {
      childList: true,
      characterData: true,
      subtree: true,
    })
    return seen
  })
  await send.click()
  await page.waitForFunction((seen) => new Set(seen).size >= 3, lengths)
  await photograph('3-chat-under-way', send)
  await form.locator('.outcome[data-how=good]').waitFor()
  await photograph('4-chat-done', send)

  const steps = [...new Set(await lengths.jsonValue())].filter((length) => length > 0)
  assert.ok(steps.length >= 5, `it grew in ${steps.length} steps`)
  assert.equal(
    steps,
    steps.toSorted((a, b) => a - b),
    'it only grows',
  )
})

test('billing is switched off and on again by printed commands, and its routes leave the page and come back', async () => {
  const before = await listed()
  const ofBilling = before.filter((line) => line.includes('/billing/'))
  assert.match(await terminal.type('npx autodocops plugins'), /^on +billing /m)
  await terminal.type('npx autodocops plugins --help')

  await terminal.type('npx autodocops plugins disable billing --apply')
  await page.reload()
  const without = await listed()
  await photograph('5-without-billing')

  await terminal.type('npx autodocops plugins enable billing --apply')
  await page.reload()
  await photograph('6-with-billing', page.locator('#h-tag-billing'))

  assert.is(ofBilling.length, 7)
  assert.equal(
    without,
    before.filter((line) => !ofBilling.includes(line)),
  )
  assert.equal(await listed(), before)
})

test('a new route answers from the page, and the token is still there', async () => {
  await follow('/billing/subscription')
  const form = page.locator('details.operation[open]:has(#getBillingSubscription) form.try')

  await form.getByRole('button', { name: 'Send' }).click()
  await form.locator('.outcome[data-how=good]').waitFor()

  assert.match(await form.locator('.outcome').innerText(), /^200/)
  assert.match(await form.locator('[data-output]').innerText(), '"plan"')
  await photograph('7-billing-answers', form)
})

test('no plugin was unwell, and the doctor that start names finds nothing broken', async () => {
  const told = await terminal.type('npx autodocops doctor')

  assert.match(told, /\n0 failed, /)
  assert.match(terminal.shown, /✓ llm-chat +fake model/)
})

test('all that time no error in the console, none of the policy, and one origin', () => {
  assert.equal(errors, [])
  assert.is(addresses.size, 1, [...addresses].join())
})

test('Ctrl-C ends the server, and leaves no word that it runs', async () => {
  const word = join(home, 'data/server.json')
  assert.ok(existsSync(word))

  await terminal.interrupt()

  assert.not(existsSync(word))
})

test.run()

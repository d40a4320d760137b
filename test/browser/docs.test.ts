/** The documentation of a real server in a real Chromium. `SCREENSHOT=1` writes docs/images/docs-page.png anew. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

import type { BrowserContext, Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { root } from '../harness/root.ts'
import { documentedServer } from '../plugins/docs/open-server.ts'
import { browserThat, removeProfiles } from './sessions-chromium.ts'

const { server, token } = await documentedServer('60ms')
let context: BrowserContext
/** Errors of the console, CSP violations among them, and addresses of anybody else. */
const errors: string[] = []
const foreign: string[] = []

test.before(async () => {
  context = await browserThat('keeps sites apart')
  context.on('weberror', (error) => errors.push(String(error.error())))
  context.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  context.on('request', (request) => {
    if (new URL(request.url()).origin !== server.url) foreign.push(request.url())
  })
})
test.after(async () => {
  await context.close()
  removeProfiles()
  await server.stop()
})

async function pageAt(hash = '', width = 1280): Promise<Page> {
  const page = await context.newPage()
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.setViewportSize({ width, height: 860 })
  await page.goto(`${server.url}/docs${hash}`)
  return page
}

const formOf = (page: Page, path: string, method: string) =>
  page.locator(`form.try[data-path="${path}"][data-method="${method}"]`)

test('a linked operation is open, and a request from it shows its reply', async () => {
  const page = await pageAt('#getApiProjectsById')
  const form = formOf(page, '/api/projects/{id}', 'GET')

  await form.getByRole('button', { name: 'Send' }).click()
  await page.waitForFunction(() => document.querySelector('.outcome[data-how=good]') !== null)

  assert.match(await form.locator('.outcome').innerText(), /^200/)
  assert.match(await form.locator('[data-output]').innerText(), /"id": 1,/)
  await page.close()
})

for (const type of ['text/plain', 'text/event-stream'])
  test(`a chat as ${type} grows chunk by chunk under the eyes of its reader`, async () => {
    const page = await pageAt('#postChatStream')
    const form = formOf(page, '/chat/stream', 'POST')
    await page.getByLabel('Bearer token').fill(token)
    await form.getByLabel('Accept').selectOption(type)

    await form.getByRole('button', { name: 'Send' }).click()
    const seen = new Set<string>()
    while ((await form.locator('.outcome[data-how=good]').count()) === 0) {
      seen.add(await form.locator('[data-output]').innerText())
      await page.waitForTimeout(30)
    }

    const texts = [...seen].filter((text) => text !== '')
    assert.ok(texts.length >= 3, `${texts.length} states`)
    for (const [index, text] of texts.entries())
      assert.ok(index === 0 || text.startsWith(texts[index - 1]?.trimEnd() ?? ''), text)
    await page.close()
  })

test('a stream is aborted, and what came of it stays', async () => {
  const page = await pageAt('#postChatStream')
  const form = formOf(page, '/chat/stream', 'POST')
  await page.getByLabel('Bearer token').fill(token)

  await form.getByRole('button', { name: 'Send' }).click()
  await form.locator('.chunk').nth(1).waitFor()
  await form.getByRole('button', { name: 'Abort' }).click()
  await form.locator('.outcome[data-how=bad]').waitFor()

  assert.match(await form.locator('.outcome').innerText(), 'aborted')
  assert.is.not(await form.locator('[data-output]').innerText(), '')
  await page.close()
})

test('the keyboard alone opens an operation and sends its request', async () => {
  const page = await pageAt()
  const press = async (key: string, until: string) => {
    for (let i = 0; i < 400; i += 1) {
      await page.keyboard.press(key)
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), until)) return
    }
    throw new Error(`${key} never reaches ${until}`)
  }

  await press('Tab', 'a.skip')
  await page.keyboard.press('Enter')
  await press('Tab', 'summary:has(#getApiProjectsById)')
  await page.keyboard.press('Enter')
  await press('Tab', 'form[data-path="/api/projects/{id}"] [type=submit]')
  await page.keyboard.press('Enter')
  await page.locator('.outcome[data-how=good]').waitFor()

  assert.match(await page.locator('.outcome[data-how=good]').innerText(), /^200/)
  await page.close()
})

test('on a phone nothing is wider than the screen, and the contents open and close', async () => {
  const page = await pageAt('', 360)
  await page.evaluate(() =>
    document.querySelectorAll('details').forEach((one) => (one.open = true)),
  )

  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  await page.getByRole('button', { name: 'Contents' }).click()
  await page.locator('#contents a[href="#postChat"]').click()

  assert.is(width, 360)
  assert.not(await page.locator('#contents').isVisible())
  assert.ok(
    await page.evaluate(() =>
      document.querySelector('details:has(#postChat)')?.hasAttribute('open'),
    ),
  )
  await page.close()
})

/** WCAG 2.2 §1.4.3, over every text that is shown, on the nearest background that is not see-through. */
function tooFaint(): string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgba = (colour: string) => {
    canvas?.clearRect(0, 0, 1, 1)
    if (canvas) canvas.fillStyle = colour
    canvas?.fillRect(0, 0, 1, 1)
    return canvas?.getImageData(0, 0, 1, 1).data ?? new Uint8ClampedArray(4)
  }
  const light = (colour: Uint8ClampedArray) =>
    [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => {
      const part = (colour[at] ?? 0) / 255
      return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    }, 0)
  const ground = (element: Element | null): Uint8ClampedArray => {
    if (element === null) return rgba('canvas')
    const colour = rgba(getComputedStyle(element).backgroundColor)
    return (colour[3] ?? 0) > 200 ? colour : ground(element.parentElement)
  }
  return [...document.querySelectorAll('body *')]
    .filter((one) =>
      [...one.childNodes].some(
        ({ nodeType, data }: ChildNode & { data?: string }) => nodeType === 3 && data?.trim(),
      ),
    )
    .filter((one) => one.checkVisibility() && !(one instanceof HTMLButtonElement && one.disabled))
    .flatMap((one) => {
      const [a, b] = [light(rgba(getComputedStyle(one).color)), light(ground(one))]
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
      return ratio < 4.5 ? [`${one.tagName}.${one.className} ${ratio.toFixed(2)}`] : []
    })
}

for (const colorScheme of ['light', 'dark'] as const)
  test(`every text stands out from its ground in ${colorScheme}`, async () => {
    const page = await pageAt()
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.evaluate(() =>
      document.querySelectorAll('details').forEach((one) => (one.open = true)),
    )

    assert.equal([...new Set(await page.evaluate(tooFaint))], [])
    await page.close()
  })

test('without JavaScript it can be read, and says what needs it', async () => {
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Emulation.setScriptExecutionDisabled', { value: true })
  await page.goto(`${server.url}/docs`)

  await page.locator('summary:has(#postChatStream)').click()

  assert.ok(await page.locator('.operation[open] .snippets').first().isVisible())
  assert.ok(await page.locator('noscript .note').isVisible())
  assert.is(await page.locator('form.try:visible').count(), 0)
  await page.close()
})

if (process.env['SCREENSHOT'] !== undefined)
  test('the screenshot of the README is written', async () => {
    const page = await pageAt()
    mkdirSync(join(root, 'docs/images'), { recursive: true })
    await page.screenshot({ path: join(root, 'docs/images/docs-page.png') })
    await page.close()
  })

test('all that time no error in the console, none of the policy, and no foreign address', () => {
  assert.equal(errors, [])
  assert.equal(foreign, [])
})

test.run()

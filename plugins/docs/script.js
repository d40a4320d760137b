/** What the page can do with a script: send requests, keep a token, filter, copy, open what is linked to. */
import { fill, Sending } from './request.js'

const tokenKey = 'autodocops-docs-token'

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} kind
 * @param {ParentNode} [within]
 * @returns {T[]}
 */
function all(selector, kind, within = document) {
  /** @type {T[]} */
  const found = []
  for (const element of within.querySelectorAll(selector))
    if (element instanceof kind) found.push(element)
  return found
}

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} kind
 * @param {ParentNode} [within]
 */
const one = (selector, kind, within = document) => all(selector, kind, within)[0]

const token = one('#token', HTMLInputElement)

function keepToken() {
  const form = token?.form
  if (!token || !form) return
  token.value = sessionStorage.getItem(tokenKey) ?? ''
  const reveal = one('[data-reveal]', HTMLButtonElement, form)
  token.addEventListener('input', () => sessionStorage.setItem(tokenKey, token.value.trim()))
  form.addEventListener('submit', (event) => event.preventDefault())
  reveal?.addEventListener('click', () => {
    const isShown = token.type === 'text'
    token.type = isShown ? 'password' : 'text'
    reveal.textContent = isShown ? 'Show' : 'Hide'
    reveal.setAttribute('aria-pressed', String(!isShown))
  })
}

function filterOperations() {
  const input = one('#filter', HTMLInputElement)
  input?.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\s+/)
    for (const entry of all('[data-entry]', HTMLElement))
      entry.hidden = !words.every((word) => entry.dataset['entry']?.includes(word))
    for (const group of all('[data-group]', HTMLElement))
      group.hidden = group.querySelector('[data-entry]:not([hidden])') === null
  })
}

function copyCode() {
  for (const button of all('[data-copy]', HTMLButtonElement)) {
    const code = button.closest('figcaption')?.nextElementSibling ?? button.nextElementSibling
    button.addEventListener('click', () => void copy(code?.textContent ?? '', button))
  }
}

/**
 * @param {string} text
 * @param {HTMLButtonElement} button
 */
async function copy(text, button) {
  const isDone = await navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  )
  button.textContent = isDone ? 'Copied' : 'Select it by hand'
  setTimeout(() => (button.textContent = 'Copy'), 2_000)
}

/** Whoever reads one snippet as `fetch` reads the others so too. */
function choosePerPage() {
  document.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.type !== 'radio') return
    for (const radio of all('.snippets input', HTMLInputElement))
      if (radio.value === target.value) radio.checked = true
  })
}

/** A link leads to the head of an operation, and opens it. */
function openLinked() {
  const id = decodeURIComponent(location.hash.slice(1))
  const target = id === '' ? null : document.getElementById(id)
  const operation = target?.closest('details.operation')
  if (!(operation instanceof HTMLDetailsElement)) return
  operation.open = true
  operation.scrollIntoView()
}

function closeContents() {
  const contents = one('#contents', HTMLElement)
  contents?.addEventListener('click', ({ target }) => {
    const isLink = target instanceof Element && target.closest('a') !== null
    if (isLink && contents.matches(':popover-open')) contents.hidePopover()
  })
}

function tryOperations() {
  for (const form of all('form.try', HTMLFormElement)) {
    const sending = new Sending(form, () => token?.value.trim() ?? '')
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      void sending.send()
    })
    one('[data-abort]', HTMLButtonElement, form)?.addEventListener('click', () => sending.abort())
    one('select[name=example]', HTMLSelectElement, form)?.addEventListener('change', () =>
      fill(form),
    )
  }
}

for (const element of all('.needs-script, form.token, [data-copy], .filter', HTMLElement))
  element.hidden = false
keepToken()
filterOperations()
copyCode()
choosePerPage()
closeContents()
tryOperations()
addEventListener('hashchange', openLinked)
openLinked()

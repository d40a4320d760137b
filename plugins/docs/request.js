import { Reply } from './reply.js'

/**
 * Puts an example into the fields of its form.
 * @param {HTMLFormElement} form
 */
export function fill(form) {
  const { example } = fieldsOf(form)
  if (!(example instanceof HTMLSelectElement)) return
  const { params, query, headers, body } = JSON.parse(
    example.selectedOptions[0]?.dataset['fill'] ?? '{}',
  )
  for (const [name, field] of Object.entries(fieldsOf(form))) {
    const [place, key = ''] = name.split(':')
    if (place === 'path') field.value = params?.[key] ?? ''
    if (place === 'query') field.value = query?.[key] ?? ''
    if (name === 'body') field.value = body === undefined ? '' : JSON.stringify(body, null, 2)
    if (field instanceof HTMLSelectElement && name === 'accept')
      field.value = headers?.accept ?? field.options[0]?.value ?? ''
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {Record<string, HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>}
 */
function fieldsOf(form) {
  /** @type {[string, HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement][]} */
  const named = []
  for (const field of form.elements) {
    const isField =
      field instanceof HTMLInputElement ||
      field instanceof HTMLSelectElement ||
      field instanceof HTMLTextAreaElement
    if (isField) named.push([field.name, field])
  }
  return Object.fromEntries(named)
}

/** One form and the request that it has under way, of which there is one at most. */
export class Sending {
  #form
  #tokenOf
  /** @type {AbortController | undefined} */
  #running

  /**
   * @param {HTMLFormElement} form
   * @param {() => string} tokenOf
   */
  constructor(form, tokenOf) {
    this.#form = form
    this.#tokenOf = tokenOf
  }

  abort() {
    this.#running?.abort()
  }

  async send() {
    if (this.#running !== undefined) return
    const reply = new Reply(this.#form)
    if (this.#form.dataset['token'] === 'needed' && this.#tokenOf() === '') {
      reply.refuse('This one wants a bearer token: paste one at the top of the page.')
      document.getElementById('token')?.focus()
      return
    }
    this.#running = new AbortController()
    reply.begin()
    try {
      const { signal } = this.#running
      await reply.read(await fetch(this.#url(), { ...this.#options(), signal }))
    } catch (error) {
      reply.fail(error)
    } finally {
      this.#running = undefined
      reply.end()
    }
  }

  /** Against the folder of this page: a proxy in front may have put one there. */
  #url() {
    const fields = Object.entries(fieldsOf(this.#form))
    let path = this.#form.dataset['path']?.slice(1) ?? ''
    const query = new URLSearchParams()
    for (const [name, { value }] of fields) {
      const [place, key = ''] = name.split(':')
      if (place === 'path') path = path.replace(`{${key}}`, encodeURIComponent(value))
      if (place === 'query' && value !== '') query.set(key, value)
    }
    const url = new URL(path, new URL('.', location.href))
    url.search = query.toString()
    return url
  }

  /** @returns {RequestInit} */
  #options() {
    const { accept, body } = fieldsOf(this.#form)
    const token = this.#tokenOf()
    const text = body?.value.trim() ?? ''
    return {
      method: this.#form.dataset['method'] ?? 'GET',
      cache: 'no-store',
      headers: {
        ...(token !== '' && { Authorization: `Bearer ${token}` }),
        ...(accept !== undefined && { Accept: accept.value }),
        ...(text !== '' && { 'Content-Type': 'application/json' }),
      },
      ...(text !== '' && { body: text }),
    }
  }
}

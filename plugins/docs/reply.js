/** More than this makes a page slow and helps nobody. */
const longest = 300_000

/** What came back, shown while it comes: each chunk as it arrives. */
export class Reply {
  #form
  #output
  /** Read out by a screen reader, so it changes seldom. */
  #outcome
  #progress
  #begun = performance.now()
  #chunks = 0
  #length = 0
  #status = ''

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form
    this.#output = this.#part('[data-output]')
    this.#outcome = this.#part('.outcome')
    this.#progress = this.#part('.progress')
  }

  /** @param {string} why */
  refuse(why) {
    this.#say(why, 'bad')
  }

  begin() {
    this.#output.replaceChildren()
    this.#output.dataset['chunks'] = '0'
    this.#part('[data-headers]').textContent = ''
    this.#part('.reply').hidden = false
    this.#say('Waiting…', 'busy')
    this.#toggle(true)
  }

  /** @param {Response} response */
  async read(response) {
    this.#status = `${response.status} ${response.statusText}`.trim()
    this.#part('[data-headers]').textContent = [...response.headers]
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n')
    this.#say(this.#status, response.ok ? 'busy' : 'bad')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (let step = await reader?.read(); step && !step.done; step = await reader?.read())
      this.#add(step.value)
    this.#beautify(response.headers.get('content-type') ?? '')
    this.#say(`${this.#status} · ${this.#figures()}`, response.ok ? 'good' : 'bad')
  }

  /** @param {unknown} error */
  fail(error) {
    const isAborted = error instanceof DOMException && error.name === 'AbortError'
    const why = isAborted ? 'aborted' : 'the connection broke off'
    this.#say([this.#status, why, this.#figures()].filter(Boolean).join(' · '), 'bad')
  }

  end() {
    this.#toggle(false)
  }

  /** @param {string} text */
  #add(text) {
    this.#chunks += 1
    this.#length += text.length
    this.#output.dataset['chunks'] = String(this.#chunks)
    const isAtEnd =
      this.#output.scrollTop + this.#output.clientHeight >= this.#output.scrollHeight - 8
    if (this.#length <= longest) {
      const piece = document.createElement('span')
      piece.className = 'chunk'
      piece.textContent = text
      this.#output.append(piece)
    }
    if (isAtEnd) this.#output.scrollTop = this.#output.scrollHeight
    this.#progress.textContent = this.#figures()
  }

  /** JSON that came whole is easier to read in lines. @param {string} type */
  #beautify(type) {
    if (!/\bjson\b/.test(type) || this.#length > longest) return
    try {
      const value = JSON.parse(this.#output.textContent ?? '')
      this.#output.textContent = JSON.stringify(value, null, 2)
    } catch {
      // Not what it says it is: shown as it came.
    }
  }

  #figures() {
    const ms = Math.round(performance.now() - this.#begun)
    const cut = this.#length > longest ? `, the first ${longest} shown` : ''
    const chunks = this.#chunks === 1 ? '1 chunk' : `${this.#chunks} chunks`
    return this.#chunks === 0
      ? `${ms} ms`
      : `${ms} ms · ${chunks} · ${this.#length} characters${cut}`
  }

  /**
   * @param {string} text
   * @param {'busy' | 'good' | 'bad'} how
   */
  #say(text, how) {
    this.#outcome.textContent = text
    this.#outcome.dataset['how'] = how
    this.#progress.textContent = ''
  }

  /** @param {boolean} isRunning */
  #toggle(isRunning) {
    for (const button of this.#form.querySelectorAll('button'))
      button.disabled = button.type === 'submit' ? isRunning : !isRunning
    this.#output.setAttribute('aria-busy', String(isRunning))
  }

  /**
   * @param {string} selector
   * @returns {HTMLElement}
   */
  #part(selector) {
    const found = this.#form.querySelector(selector)
    if (found instanceof HTMLElement) return found
    throw new Error(`the form has no ${selector}`)
  }
}

const redacted = '[redacted]'

/** `"authorization":"…"` at any depth: the key stays, its text or list of texts goes. */
const secretFields =
  /("[\w-]*(?:authorization|cookie|password|passwd|secret|api[-_]?key|secret[-_]?key|token|signature)":)(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi

/**
 * Keys of OpenAI and Stripe (`sk-…`, `sk_…`, `rk_…`), Stripe's webhook secrets, JWTs, bearer credentials: where a
 * word begins, which after JSON's `\n` or `\t` is no word boundary.
 */
const secretValues =
  /(?:(?<![\w-])|(?<=\\[bfnrt]))(?:(?:sk|rk)[-_][\w-]{8,}|whsec_[\w+/=-]{4,}|eyJ[\w-]{8,}(?:\.[\w-]*){0,4}|Bearer [\w.~+/=-]{8,})/g

/** `postgres://user:password@host` */
const urlPasswords = /(:\/\/[^\s:/?#@"\\]*:)[^\s/?#@"\\]+@/g

/** Takes out of a line of JSON what must never be read by others (DESIGN §10, invariant 7). */
export const scrub = (line: string): string =>
  line
    .replace(secretFields, `$1"${redacted}"`)
    .replace(secretValues, redacted)
    .replace(urlPasswords, `$1${redacted}@`)

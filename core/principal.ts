/** Who is asking. */
export interface Principal {
  /** The owner of things: a user id of the identity provider, never an e-mail address. */
  readonly subject: string
  readonly scopes: readonly string[]
  /** How it was proven: `jwt`, `api-key`, `session`, … */
  readonly via: string
}

/** What is counted: one key, one window. */
export interface Count {
  readonly key: string
  readonly limit: number
  readonly windowMs: number
}

export interface Limits {
  readonly bodyBytes: number
}

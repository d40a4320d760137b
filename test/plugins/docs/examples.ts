import type { ApiRequest, Placed } from '../../../plugins/docs/openapi.ts'

export interface PlacedExample {
  readonly operation: Placed
  readonly example: ApiRequest
  /** Which of its operation's. */
  readonly nth: number
}

/** In an order in which each does what it says: what others make would change the refusals. */
export const refusalsFirst = (operations: readonly Placed[]): readonly PlacedExample[] =>
  operations
    .flatMap((operation) =>
      operation['x-examples'].map((example, nth) => ({ operation, example, nth })),
    )
    .filter(({ example }) => example.skip === undefined)
    .toSorted((one, two) => (two.example.status ?? 0) - (one.example.status ?? 0))

/** Whether that is the status of which the example speaks. */
export const isSaid = ({ example }: PlacedExample, status: number): boolean =>
  example.status === undefined ? status >= 200 && status < 300 : status === example.status

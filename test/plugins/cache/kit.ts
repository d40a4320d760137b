import { ProblemError } from 'autodocops'
import type { CacheNamespace } from 'autodocops/plugins/cache'
import type { suite } from 'uvu'

/** A namespace that no other fact uses. */
export type Space = () => CacheNamespace
/** Time passes. */
export type Pass = (ms: number) => Promise<void>
export type Check = ReturnType<typeof suite>

export async function rejects(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not reject')
}

export const codeOf = (error: Error): string =>
  error instanceof ProblemError ? error.code : error.message
export const never = (): never => {
  throw new Error('the factory was called')
}

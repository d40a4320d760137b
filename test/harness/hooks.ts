import { inspect } from 'node:util'

import type { Callback, Test } from 'uvu'

/**
 * uvu drops what a `before` or `after.each` throws: the tests of the suite do not run, and nobody says why.
 * Here it is told first.
 */
export function withToldHooks<T>(suite: Test<T>): Test<T> {
  const { before, after } = suite
  suite.before = Object.assign((hook: Callback<T>) => before(told('before', hook)), before)
  suite.after = Object.assign((hook: Callback<T>) => after(hook), {
    each: (hook: Callback<T>) => after.each(told('after.each', hook)),
  })
  return suite
}

const told =
  <T>(name: string, hook: Callback<T>): Callback<T> =>
  async (context) => {
    try {
      await hook(context)
    } catch (error) {
      console.log(`\n   FAIL  "${name}"\n    ${inspect(error)}\n`)
      throw error
    }
  }

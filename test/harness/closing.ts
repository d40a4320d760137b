import { test } from 'uvu'

type Closings = (() => unknown)[]

const ofFile: Closings = []
const ofTest: Closings = []
let current = ofFile

test.before.each(() => void (current = ofTest))
test.after.each(() => {
  current = ofFile
  return closeAll(ofTest)
})
test.after(() => closeAll(ofFile))

/**
 * Closes it when the running test has ended, however it ended; what is opened outside a test is closed after
 * the last one. So a failed assertion leaves nothing that keeps the process alive. The test may close it
 * itself as well: `close` must bear to be called twice.
 */
export function closedAfterwards<T>(opened: T, close: (opened: T) => unknown): T {
  current.push(() => close(opened))
  return opened
}

/** All at once, since one may wait for another. A close that fails fails its test. */
async function closeAll(closings: Closings): Promise<void> {
  const closed = await Promise.allSettled(closings.splice(0).map(async (close) => close()))
  const failed = closed.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

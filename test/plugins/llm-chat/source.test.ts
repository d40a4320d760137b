import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Source, sourceOf } from '../../../plugins/llm-chat/source.ts'
import type { Taker } from '../../../plugins/llm-chat/source.ts'

/** Answers each pull at once, by what it was given. */
class Listed extends Source<string> {
  readonly #answers: (string | Error)[]
  isStopped = false

  constructor(...answers: (string | Error)[]) {
    super()
    this.#answers = answers
  }

  pull(taker: Taker<string>): void {
    const answer = this.#answers.shift()
    if (answer instanceof Error) taker(answer, undefined)
    else taker(undefined, answer)
  }

  stop(): void {
    this.isStopped = true
  }
}

const pulled = <T>(source: Source<T>) =>
  new Promise<readonly [Error | undefined, T | undefined]>((resolve) =>
    source.pull((failure, batch) => resolve([failure, batch])),
  )

test('a source is an async iterator: its batches, then its end', async () => {
  const seen: string[] = []
  for await (const batch of new Listed('a', 'b')) seen.push(batch)

  assert.equal(seen, ['a', 'b'])
})

test('a failure is thrown to those who iterate', async () => {
  const source = new Listed('a', new Error('broken'))
  await source.next()

  assert.is(await source.next().catch((error: Error) => error.message), 'broken')
})

test('whoever stops iterating stops the source', async () => {
  const source = new Listed('a', 'b')
  for await (const _ of source) break

  assert.ok(source.isStopped)
})

test('an iterator answers pulls: its batches, its failure', async () => {
  const failure = new Error('broken')
  const source = sourceOf(
    (async function* () {
      yield 'a'
      throw failure
    })(),
  )

  assert.equal(await pulled(source), [undefined, 'a'])
  assert.is((await pulled(source))[0], failure)
})

test('the end of an iterator is an answer with nothing in it', async () => {
  assert.equal(await pulled(sourceOf((async function* () {})())), [undefined, undefined])
})

test('an iterator is given back when its source is stopped, and its last words go to nobody', async () => {
  let isLeft = false
  const source = sourceOf<string>({
    next: () => Promise.resolve({ done: false, value: 'a' }),
    return: () => {
      isLeft = true
      return Promise.reject(new Error('nobody listens'))
    },
  })
  source.stop()
  await new Promise((resolve) => setImmediate(resolve))

  assert.ok(isLeft)
})

test('a source is its own source', () => {
  const source = new Listed()

  assert.is(sourceOf(source), source)
})

test.run()

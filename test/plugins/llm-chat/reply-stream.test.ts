import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { ReplyStream } from '../../../plugins/llm-chat/reply-stream.ts'

const encoding = { head: '<', encode: (batch: string) => batch, tail: () => '>' }

/** Gives what it is told to, when it is told to. */
class HandFed implements AsyncIterator<string> {
  readonly #waiting: ((step: IteratorResult<string>) => void)[] = []
  pulls = 0
  isLeft = false

  next(): Promise<IteratorResult<string>> {
    this.pulls += 1
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  async return(): Promise<IteratorResult<string>> {
    this.isLeft = true
    this.end()
    return { done: true, value: undefined }
  }

  give(value: string): void {
    this.#waiting.shift()?.({ done: false, value })
  }

  end(): void {
    this.#waiting.shift()?.({ done: true, value: undefined })
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a batch becomes a chunk, and the source is asked only when the reader is', async () => {
  const source = new HandFed()
  const stream = new ReplyStream(source, encoding)

  const first = stream.next()
  source.give('a')
  assert.equal(await first, { done: false, value: '<a' })
  await turn()

  assert.is(source.pulls, 1)
})

test('batches without text are skipped', async () => {
  const source = new HandFed()
  const stream = new ReplyStream(source, { ...encoding, head: '' })

  const first = stream.next()
  source.give('')
  await turn()
  source.give('b')

  assert.equal(await first, { done: false, value: 'b' })
})

test('a silence is filled with heartbeats, and one wait of the source serves them all', async () => {
  const source = new HandFed()
  const stream = new ReplyStream(source, encoding, { heartbeatMs: 5 })

  const beats = [await stream.next(), await stream.next(), await stream.next()]
  const text = stream.next()
  source.give('a')

  assert.ok(beats.every(({ value }) => value === ': hb\n\n'))
  assert.equal(await text, { done: false, value: '<a' })
  assert.is(source.pulls, 1)
  await stream.return()
})

test('an end that comes while a heartbeat is being written is not lost', async () => {
  const source = new HandFed()
  const stream = new ReplyStream(source, encoding, { heartbeatMs: 5 })

  await stream.next()
  source.end()
  await turn()

  assert.equal(await stream.next(), { done: false, value: '<>' })
  assert.equal(await stream.next(), { done: true, value: undefined })
})

test('whoever is late gets a heartbeat first', async () => {
  const stream = new ReplyStream(new HandFed(), encoding, { isLate: true })

  assert.equal(await stream.next(), { done: false, value: ': hb\n\n' })
})

test('a reader that leaves while it waits takes the source along', async () => {
  const source = new HandFed()
  const stream = new ReplyStream(source, encoding)

  const waiting = stream.next()
  await stream.return()
  await waiting

  assert.ok(source.isLeft)
  assert.equal(await stream.next(), { done: true, value: undefined })
})

test('a tail that is an error rejects', async () => {
  const source = new HandFed()
  const tail = () => {
    throw new Error('lost')
  }
  const stream = new ReplyStream(source, { ...encoding, tail })

  const waiting = stream.next()
  source.end()

  const ended = await waiting.catch((error: Error) => error.message)
  assert.is(ended, 'lost')
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import { ModelFailure } from '../../../plugins/llm-chat/failure.ts'
import type { FailureKind } from '../../../plugins/llm-chat/failure.ts'
import type { Delta, Model, Question } from '../../../plugins/llm-chat/model.ts'
import { timed } from '../../harness/stopwatch.ts'
import { until } from '../../harness/until.ts'

/** How a kind of model is made, and made to fail. */
export interface Subject {
  readonly make: () => Promise<Model> | Model
  /** A question whose answer is `tokens` long, and breaks at `at` in the way of `fault`. */
  readonly question: (wanted: {
    readonly fault?: 'reset' | 'stall' | 'overloaded' | 'rate_limited' | 'auth'
    readonly at?: number
  }) => Question
  /** The connections that its upstream has open. */
  readonly active: () => number
  readonly close: () => Promise<void>
}

const never = new AbortController().signal

/** What every adapter owes to those who call it. */
export function modelConformance(name: string, prepare: () => Promise<Subject>): void {
  const check = suite(`the ${name} model`)
  const using = (test: (subject: Subject, model: Model) => Promise<void>) => async () => {
    const subject = await prepare()
    const model = await subject.make()
    try {
      await test(subject, model)
    } finally {
      await model.close()
      await subject.close()
    }
  }

  check(
    'a stream holds text, one finish and the usage, and then ends',
    using(async ({ question }, model) => {
      const deltas = await all(model.stream(question({}), never))

      assert.ok(textOf(deltas).length > 20)
      assert.is(deltas.filter(({ finish }) => finish !== undefined).length, 1)
      const counted = deltas.map(({ usage }) => usage).filter((usage) => usage !== undefined)
      assert.is(counted.length, 1)
      assert.ok(Number(counted[0]?.inputTokens) > 0 && Number(counted[0]?.outputTokens) > 0)
    }),
  )
  check(
    'every chunk is a chunk of OpenAI’s protocol that says what we read in it',
    using(async ({ question }, model) => {
      for (const { json, text } of await all(model.stream(question({}), never))) {
        const chunk = JSON.parse(json) as Chunk
        assert.is(chunk.object, 'chat.completion.chunk')
        assert.is(chunk.choices[0]?.delta.content ?? '', text)
      }
    }),
  )
  check(
    'the whole answer is the text of the stream',
    using(async ({ question }, model) => {
      const streamed = textOf(await all(model.stream(question({}), never)))

      const completion = await model.complete(question({}), never)

      assert.is(completion.text, streamed)
      assert.is(completion.finish, 'stop')
      assert.is(completion.usage?.estimated, false)
    }),
  )
  check(
    'a stream that breaks throws, after what came before',
    using(async ({ question }, model) => {
      const seen: Delta[] = []
      const failure = await failureOf(async () => {
        for await (const deltas of model.stream(question({ fault: 'reset', at: 3 }), never)) {
          seen.push(...deltas)
        }
      })

      assert.is(failure.kind, 'disconnected')
      assert.ok(textOf(seen).length > 0)
    }),
  )
  for (const kind of ['overloaded', 'rate_limited', 'auth'] as const) {
    check(
      `a refusal of the kind ${kind} is told as that, streamed or not`,
      using(async ({ question }, model) => {
        const asked = question({ fault: kind, at: 0 })

        assert.is((await failureOf(() => all(model.stream(asked, never)))).kind, kind)
        assert.is((await failureOf(() => model.complete(asked, never))).kind, kind)
      }),
    )
  }
  for (const at of [0, 3]) {
    check(
      `an abort while the model is silent before token ${at} throws at once and closes its socket`,
      using(async ({ question, active }, model) => {
        const abort = new AbortController()
        const reading = failureOf(async () => {
          for await (const _ of model.stream(question({ fault: 'stall', at }), abort.signal)) void _
        })
        await new Promise((resolve) => setTimeout(resolve, 100))
        abort.abort()
        const { value, ms } = await timed(() => reading)

        assert.is(value.kind, 'aborted')
        assert.ok(ms < 150, `${ms} ms`)
        await until(() => active() === 0)
      }),
    )
  }
  check(
    'an abort ends a whole answer too',
    using(async ({ question, active }, model) => {
      const abort = new AbortController()
      const asking = failureOf(() =>
        model.complete(question({ fault: 'stall', at: 0 }), abort.signal),
      )
      await new Promise((resolve) => setTimeout(resolve, 50))
      abort.abort()

      assert.is((await asking).kind, 'aborted')
      await until(() => active() === 0)
    }),
  )
  check(
    'a reader that stops closes the socket',
    using(async ({ question, active }, model) => {
      for await (const _ of model.stream(question({ fault: 'stall', at: 3 }), never)) break

      await until(() => active() === 0)
    }),
  )
  check.run()
}

interface Chunk {
  readonly object: string
  readonly choices: readonly { readonly delta: { readonly content?: string } }[]
}

async function all(stream: AsyncIterable<readonly Delta[]>): Promise<Delta[]> {
  const deltas: Delta[] = []
  for await (const batch of stream) deltas.push(...batch)
  return deltas
}

const textOf = (deltas: readonly Delta[]): string => deltas.map(({ text }) => text).join('')

export async function failureOf(run: () => Promise<unknown>): Promise<ModelFailure> {
  try {
    await run()
  } catch (error) {
    if (error instanceof ModelFailure) return error
    throw error
  }
  throw new Error('nothing failed')
}

export type { FailureKind }

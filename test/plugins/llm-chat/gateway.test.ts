import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { TestClock } from 'autodocops/testing'

import { Breaker } from '../../../plugins/llm-chat/breaker.ts'
import { Gateway } from '../../../plugins/llm-chat/gateway.ts'
import type { NamedModel } from '../../../plugins/llm-chat/gateway.ts'
import { FakeModel } from '../../../plugins/llm-chat/model-fake.ts'
import type { FakeFault } from '../../../plugins/llm-chat/model-fake.ts'
import { ModelFailure } from '../../../plugins/llm-chat/failure.ts'
import type { FailureKind } from '../../../plugins/llm-chat/failure.ts'
import type { Model } from '../../../plugins/llm-chat/model.ts'
import { timed } from '../../harness/stopwatch.ts'
import { failureOf } from './model-conformance.ts'

const question = {
  body: { messages: [{ role: 'user', content: 'hello' }] },
  maxOutputTokens: 100,
  choices: 1,
}
const never = new AbortController().signal
const deadlines = { firstTokenMs: 200, idleMs: 200, totalMs: 1_000 }

function setUp(...scripts: (readonly (FakeFault | undefined)[])[]) {
  const retried: unknown[] = []
  const clock = new TestClock()
  const events = {
    emit: (_set: unknown, name: string) => retried.push(name),
    on: () => () => undefined,
  }
  const random = { float: () => 0, bytes: (count: number) => Buffer.alloc(count), uuid: () => '0' }
  const models = scripts.map((script) => new FakeModel({ delayMs: 0, script }))
  const named: NamedModel = {
    name: 'm',
    targets: models.map((model) => ({ model, breaker: new Breaker(clock) })),
    maxInputTokens: 1_000,
    maxOutputTokens: 1_000,
    price: { input: 0, output: 0 },
  }
  const gateway = new Gateway({ events, clock, random } as never, deadlines)
  const ask = () => gateway.open(named, question, never)
  return { ask, gateway, named, models, retried, clock }
}

const at = (kind: FakeFault['kind']): FakeFault => ({ at: 0, kind })

test('a target that fails before its first token gives way to the next one', async () => {
  const { ask, models, retried } = setUp([at('connect')], [])

  const opened = await ask()

  assert.is(opened.model, models[1])
  assert.equal(retried, ['llm-chat:request-retried'])
})

test('the only target is asked again when it may do better', async () => {
  const { ask, models } = setUp([at('overloaded')])

  assert.is((await ask()).model, models[0])
})

test('three tries are the most', async () => {
  const { ask, retried } = setUp(Array.from({ length: 9 }, () => at('overloaded')))

  assert.is((await failureOf(ask)).kind, 'overloaded')
  assert.is(retried.length, 2)
})

for (const kind of ['bad_request', 'context_length', 'content_filter'] as const)
  test(`a question at fault (${kind}) is asked nowhere else`, async () => {
    const { ask, retried } = setUp([at(kind)], [])

    assert.is((await failureOf(ask)).kind, kind)
    assert.equal(retried, [])
  })

for (const kind of ['auth', 'insufficient_quota', 'bad_response', 'first_token_timeout'] as const)
  test(`${kind} is a matter of the target: another one is asked, itself it is not`, async () => {
    assert.is((await setUp([at(kind)], []).ask()).model.provider, 'fake')
    assert.is((await failureOf(setUp([at(kind)]).ask)).kind, kind)
  })

test('a target that is silent gives way when the time for its first token is up', async () => {
  const { ask, models } = setUp([at('stall')], [])

  const { value, ms } = await timed(ask)

  assert.is(value.model, models[1])
  assert.ok(ms < deadlines.firstTokenMs + 300, `${ms} ms`)
})

test('after the first token nobody else is asked', async () => {
  const { ask, retried } = setUp([{ at: 3, kind: 'disconnected' }], [])
  const opened = await ask()

  const failure = await failureOf(async () => {
    for await (const _ of opened.stream) void _
  })

  assert.is(failure.kind, 'disconnected')
  assert.equal(retried, [])
})

test('a short wait that the model asks for is kept, a long one ends the tries', async () => {
  const asking = (retryAfterMs: number) => {
    let calls = 0
    const { gateway, named } = setUp([])
    const inner = new FakeModel({ delayMs: 0 })
    const model: Model = {
      provider: 'openai',
      complete: inner.complete.bind(inner),
      close: inner.close.bind(inner),
      stream: (...args) => {
        calls += 1
        if (calls === 1) throw new ModelFailure('rate_limited', { retryAfterMs })
        return inner.stream(...args)
      },
    }
    const targets = [{ model, breaker: new Breaker(new TestClock()) }]
    return gateway.open({ ...named, targets }, question, never)
  }
  const begun = performance.now()
  await asking(300)

  assert.ok(performance.now() - begun >= 295)
  assert.is((await failureOf(() => asking(600_000))).retryAfterMs, 600_000)
})

test('five failures in a row open the breaker; after half a minute one probe closes it', async () => {
  const failing: (FakeFault | undefined)[] = Array.from({ length: 5 }, () => at('auth'))
  const { ask, clock } = setUp(failing)
  for (let count = 0; count < 5; count += 1) await failureOf(ask)

  const spared = await failureOf(ask)
  clock.advance(30_000)
  await ask().then((opened) => opened.ended(undefined))
  await ask()

  assert.is(spared.kind, 'circuit_open')
  assert.ok(Number(spared.retryAfterMs) > 0)
})

test('while a probe is under way everybody else is spared', () => {
  const clock = new TestClock()
  const breaker = new Breaker(clock)
  for (let count = 0; count < 5; count += 1) breaker.failed()
  clock.advance(30_000)

  assert.is(breaker.enter(), true)
  assert.is(breaker.enter(), false)
  breaker.left()
  assert.is(breaker.enter(), true)
  breaker.failed()
  assert.is(breaker.enter(), false)
})

test('a client that leaves says nothing of the target', async () => {
  const { gateway, named } = setUp(Array.from({ length: 9 }, () => at('stall')))
  for (let count = 0; count < 9; count += 1) {
    const abort = new AbortController()
    const asking = failureOf(() => gateway.open(named, question, abort.signal))
    setTimeout(() => abort.abort(), 5)
    const { kind }: { kind: FailureKind } = await asking
    assert.is(kind, 'aborted')
  }

  assert.is(named.targets[0]?.breaker.enter(), true)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Conversations, NewMessage, Role } from '../../../plugins/llm-chat/conversations.ts'

const hour = 3_600_000

export interface ConversationsRig {
  readonly conversations: Conversations
  /** The clock by which it writes is set. */
  readonly jump: (ms: number) => Promise<void>
}

/** What every history owes; `rigged` gives one that may have other owners' conversations. */
export function conversationsConformance(
  name: string,
  rigged: () => Promise<ConversationsRig>,
): void {
  const make = async () => (await rigged()).conversations
  const check = suite(`conversations in ${name}`)
  let count = 0
  const next = () => String((count += 1)).padStart(6, '0')
  const message = (role: Role, content: string): NewMessage => ({
    id: `msg_${name}_${next()}`,
    role,
    content,
    model: null,
    finishReason: role === 'assistant' ? 'stop' : null,
  })
  const begin = async (conversations: Conversations, owner: string, title: string | null = null) =>
    conversations.create(owner, title)

  check('what was created is found by its owner, and by nobody else', async () => {
    const conversations = await make()
    const made = await begin(conversations, 'alice', 'Título 🙂')

    assert.equal(await conversations.find('alice', made.id), made)
    assert.is(made.title, 'Título 🙂')
    assert.match(made.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.is(await conversations.find('mallory', made.id), undefined)
    assert.is(await conversations.remove('mallory', made.id), false)
  })
  check('messages come back in the order in which they were said', async () => {
    const conversations = await make()
    const { id } = await begin(conversations, 'alice')
    await conversations.append(id, [message('user', '¿Qué tal?')])
    await conversations.append(id, [message('assistant', 'Bien.'), message('user', '🙂')])

    const { items } = await conversations.messages(id, { limit: 10 })

    assert.equal(
      items.map(({ content }) => content),
      ['¿Qué tal?', 'Bien.', '🙂'],
    )
    assert.is(items[1]?.finishReason, 'stop')
    const last = await conversations.last(id, { messages: 2, bytes: 1_000 })
    assert.equal(
      last.map(({ content }) => content),
      ['Bien.', '🙂'],
    )
  })
  check(
    'of the last messages come no more than their number and bytes, from the last one back',
    async () => {
      const conversations = await make()
      const { id } = await begin(conversations, 'alice')
      // 100, 12, 1 and 4 bytes.
      for (const content of ['a'.repeat(100), 'ññññññ', 'b', '🙂'])
        await conversations.append(id, [message('user', content)])
      const lengths = async (messages: number, bytes: number) =>
        (await conversations.last(id, { messages, bytes })).map(({ content }) => content.length)

      assert.equal(await lengths(50, 117), [100, 6, 1, 2])
      assert.equal(await lengths(50, 116), [6, 1, 2])
      assert.equal(await lengths(50, 16), [1, 2])
      assert.equal(await lengths(1, 1_000), [2])
      assert.equal(await lengths(50, 3), [])
      assert.equal(await lengths(50, -4), [])
    },
  )
  check('conversations are listed by the clock that dates them', async () => {
    const { conversations, jump } = await rigged()
    const owner = `lister-${name}`
    const made = [await begin(conversations, owner)]
    await jump(-hour)
    made.push(await begin(conversations, owner))
    await jump(2 * hour)
    made.push(await begin(conversations, owner))
    await jump(-hour)
    const { items } = await conversations.list(owner, { limit: 10 })

    assert.equal(
      items.map(({ id }) => id),
      [made[2], made[0], made[1]].map((one) => one?.id),
    )
    assert.equal(
      items.map(({ createdAt }) => createdAt),
      made
        .map(({ createdAt }) => createdAt)
        .toSorted()
        .toReversed(),
    )
  })
  check('created and updated are told by one clock', async () => {
    const { conversations, jump } = await rigged()
    const { id } = await begin(conversations, 'alice')
    await jump(hour)
    await conversations.append(id, [message('user', '¿Qué tal?')])
    const found = await conversations.find('alice', id)
    const { items } = await conversations.messages(id, { limit: 10 })
    const sinceMs = (time = '') => Date.parse(time) - Date.parse(found?.createdAt ?? '')

    assert.ok(sinceMs(found?.updatedAt) >= hour && sinceMs(found?.updatedAt) < 2 * hour)
    assert.is(sinceMs(items[0]?.createdAt) >= hour, true)
  })
  check('pages hold everything once', async () => {
    const conversations = await make()
    const owner = `pager-${next()}`
    const ids = []
    for (let round = 0; round < 5; round += 1) ids.push((await begin(conversations, owner)).id)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await conversations.list(owner, { limit: 2, cursor })
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)

    assert.equal(seen, ids.toSorted().toReversed())
  })
  check('messages are paged too', async () => {
    const conversations = await make()
    const { id } = await begin(conversations, 'alice')
    await conversations.append(
      id,
      ['a', 'b', 'c'].map((text) => message('user', text)),
    )
    const first = await conversations.messages(id, { limit: 2 })
    const second = await conversations.messages(id, { limit: 2, cursor: first.nextCursor ?? '' })

    assert.equal(
      [...first.items, ...second.items].map(({ content }) => content),
      ['a', 'b', 'c'],
    )
    assert.is(second.nextCursor, null)
  })
  check('an answer with a NUL is kept', async () => {
    const conversations = await make()
    const { id } = await begin(conversations, 'alice')
    await conversations.append(id, [message('assistant', 'before\0after')])
    await conversations.restore(id, message('assistant', 'before\0after'))
    const { items } = await conversations.messages(id, { limit: 10 })

    assert.is(items.length, 2)
    for (const { content } of items) assert.match(content, /^before.after$/su)
  })
  check('a rest that was saved is there once, and the whole answer takes its place', async () => {
    const conversations = await make()
    const { id } = await begin(conversations, 'alice')
    const answer = message('assistant', 'Half an')
    const rest: NewMessage = { ...answer, finishReason: 'error' }
    await conversations.append(id, [message('user', 'x')])
    await Promise.all([conversations.restore(id, rest), conversations.restore(id, rest)])
    const saved = (await conversations.messages(id, { limit: 10 })).items
    await conversations.append(id, [{ ...answer, content: 'Half an answer.' }])
    await conversations.restore(id, rest)
    const whole = (await conversations.messages(id, { limit: 10 })).items
    const said = (items: typeof whole) =>
      items.map(({ content, finishReason }) => [content, finishReason])

    assert.equal(said(saved), [
      ['x', null],
      ['Half an', 'error'],
    ])
    assert.equal(said(whole), [
      ['x', null],
      ['Half an answer.', 'stop'],
    ])
  })
  check('a conversation goes with its messages, and takes none afterwards', async () => {
    const conversations = await make()
    const { id } = await begin(conversations, 'alice')
    await conversations.append(id, [message('user', 'x')])

    assert.is(await conversations.remove('alice', id), true)
    await conversations.append(id, [message('user', 'y')])
    await conversations.restore(id, message('assistant', 'z'))
    assert.equal((await conversations.messages(id, { limit: 10 })).items, [])
    assert.is(await conversations.find('alice', id), undefined)
  })
  check.run()
}

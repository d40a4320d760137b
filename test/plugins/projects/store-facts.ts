import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import type { ProjectStore } from '../../../plugins/projects/store.ts'
import { codeOf } from '../database/started.ts'

const fields = (name: string, visibility: 'public' | 'private' = 'private') => ({
  name,
  description: null,
  visibility,
})

/** What every store of projects owes; each adapter is held to it. */
export function storeFacts(test: Test, store: () => ProjectStore): void {
  test('project 1 is there from the start, public and nobody’s', async () => {
    const project = await store().find(1)

    assert.is(project?.owner, null)
    assert.is(project?.visibility, 'public')
  })

  test('what was created is found again', async () => {
    const created = await store().create('ann', { ...fields('Röck ☂'), description: 'x\ny' })

    assert.equal(await store().find(created.id), created)
    assert.is(created.owner, 'ann')
    assert.match(created.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('a second project of one name and owner is refused, and of another owner is not', async () => {
    const mine = await store().create('ann', fields('twice'))
    const other = await store().create('ann', fields('once'))

    assert.is(await codeOf(store().create('ann', fields('twice'))), 'project_name_taken')
    assert.is(
      await codeOf(store().update(other.id, 'ann', { name: 'twice' })),
      'project_name_taken',
    )
    assert.ok((await store().create('bob', fields('twice'))).id > mine.id)
  })

  test('a change touches what it names and nothing else', async () => {
    const before = await store().create('ann', { ...fields('change'), description: 'stays' })

    const after = await store().update(before.id, 'ann', { visibility: 'public', name: undefined })

    assert.equal(after, { ...before, visibility: 'public', updatedAt: after?.updatedAt })
  })

  test('only its owner changes or removes a project', async () => {
    const { id } = await store().create('ann', fields('guarded'))

    assert.is(await store().update(id, 'bob', { name: 'mine' }), undefined)
    assert.is(await store().remove(id, 'bob'), false)
    assert.is(await store().update(1, 'bob', { name: 'mine' }), undefined)
    assert.is(await store().remove(id, 'ann'), true)
    assert.is(await store().find(id), undefined)
    assert.is(await store().remove(id, 'ann'), false)
  })

  test('a list holds what is public and what is one’s own, by id', async () => {
    const shown = await store().create('carl', fields('shown', 'public'))
    const hidden = await store().create('carl', fields('hidden'))
    const ids = async (reader: string | undefined) =>
      (await store().list(reader, shown.id - 1, 10)).map(({ id }) => id)

    assert.equal(await ids('carl'), [shown.id, hidden.id])
    assert.equal(await ids('dora'), [shown.id])
    assert.equal(await ids(undefined), [shown.id])
  })

  test('a list goes on after an id and ends at its limit', async () => {
    const first = await store().create('ed', fields('a'))
    const second = await store().create('ed', fields('b'))
    const third = await store().create('ed', fields('c'))
    const ids = async (after: number, limit: number) =>
      (await store().list('ed', after, limit)).map(({ id }) => id)

    assert.equal(await ids(first.id - 1, 2), [first.id, second.id])
    assert.equal(await ids(second.id, 2), [third.id])
  })
}

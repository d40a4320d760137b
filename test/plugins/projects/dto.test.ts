import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { isVisible, toDto } from '../../../plugins/projects/dto.ts'
import { Project } from '../../../plugins/projects/schemas.ts'
import type { ProjectRecord } from '../../../plugins/projects/store.ts'

const declared = Object.keys(Project.shape)

const time = fc
  .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString())
const record: fc.Arbitrary<ProjectRecord> = fc.record({
  id: fc.integer({ min: 1, max: 2_147_483_647 }),
  owner: fc.option(fc.string()),
  name: fc.string(),
  description: fc.option(fc.string()),
  visibility: fc.constantFrom('public', 'private'),
  createdAt: time,
  updatedAt: time,
})

test('only declared members leave, whatever else a record holds', () => {
  fc.assert(
    fc.property(record, fc.dictionary(fc.string(), fc.anything()), (project, more) => {
      const dto = toDto({ ...more, ...project })

      assert.equal(Object.keys(dto).toSorted(), declared.toSorted())
      for (const name of declared) assert.is(Reflect.get(dto, name), Reflect.get(project, name))
    }),
  )
})

test('what leaves is what the document says', () => {
  fc.assert(
    fc.property(record, (project) => {
      assert.equal(Project.parse(toDto(project)), toDto(project))
    }),
  )
})

test('a private project is seen by its owner alone, a public one by everybody', () => {
  fc.assert(
    fc.property(record, fc.option(fc.string(), { nil: undefined }), (project, reader) => {
      const isOwner = reader !== undefined && reader === project.owner

      assert.is(isVisible(project, reader), project.visibility === 'public' || isOwner)
    }),
  )
})

test.run()

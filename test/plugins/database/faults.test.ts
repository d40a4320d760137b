import { ProblemError } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { DatabaseErrors } from '../../../plugins/database/errors.ts'
import { faultOf, problemOf } from '../../../plugins/database/faults.ts'

const withCode = (code: string) => Object.assign(new Error('it failed'), { code })

const table = [
  ['23505', 'constraint'],
  ['23503', 'constraint'],
  ['57014', 'timeout'],
  ['08006', 'connection'],
  ['28P01', 'connection'],
  ['3D000', 'connection'],
  ['53300', 'connection'],
  ['57P01', 'connection'],
  ['57P03', 'connection'],
  ['25P03', 'connection'],
  ['42601', 'other'],
  ['22P02', 'other'],
  ['ECONNREFUSED', 'connection'],
  ['ENOTFOUND', 'connection'],
] as const

for (const [code, fault] of table) {
  test(`${code} is a fault of the kind ${fault}`, () => {
    assert.is(faultOf(withCode(code)), fault)
  })
}

test('faults that pg gives no code are known by their text', () => {
  assert.is(faultOf(new Error('select 1 - Query read timeout')), 'timeout')
  assert.is(faultOf(new Error('Connection terminated unexpectedly')), 'connection')
  assert.is(faultOf(new Error('timeout expired')), 'connection')
  assert.is(faultOf(new Error('select $1 - syntax error')), 'other')
})

test('a fault of the connection is a problem 503 that says when to try again', () => {
  const problem = problemOf(withCode('ECONNRESET'))

  assert.instance(problem, ProblemError)
  const { code, status, headers } = problem as ProblemError
  assert.equal([code, status, headers], ['database_unavailable', 503, { 'Retry-After': '1' }])
})

test('its detail tells the reason, and neither the statement nor the values in it', () => {
  const statement = `select * from projects where title = 'private' - terminating connection`
  const error = Object.assign(new Error(statement), { code: '57P01' })

  assert.is((problemOf(error) as ProblemError).detail, 'terminating connection')
})

test('a constraint stays what the driver made of it', () => {
  const error = withCode('23505')

  assert.is(problemOf(error), error)
})

test('a problem stays the problem that it is', () => {
  const problem = DatabaseErrors.database_in_use({ directory: 'x' })

  assert.is(problemOf(problem), problem)
})

test.run()

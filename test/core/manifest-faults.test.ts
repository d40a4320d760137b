import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { faultCodes, FaultsError, isError } from '../../core/manifest/faults.ts'
import { environment } from './manifest-broken-environment.ts'
import { plugins } from './manifest-broken-plugins.ts'
import { rules } from './manifest-broken-rules.ts'
import { text } from './manifest-broken-text.ts'
import { values } from './manifest-broken-values.ts'
import { faultsOf, planned } from './manifest-fixture.ts'

const broken = [...text, ...plugins, ...environment, ...values, ...rules]

const printed = (fault: string): string =>
  fault.replaceAll(/\/\S*?manifest-\w+\//g, '<cwd>/').replace('\n    hint: ', ' → ')

for (const given of broken) {
  test(`told in full: ${given.title}`, async () => {
    const told = (await faultsOf(given)).map(printed)

    assert.equal(told, given.told)
  })
}

test('the table has at least 100 broken manifests, and each code in one of them', () => {
  const all = broken.flatMap(({ told }) => told)

  assert.ok(broken.length >= 100)
  assert.equal(
    Object.keys(faultCodes).filter((code) => !all.some((line) => line.includes(` ${code} `))),
    [],
  )
})

test('a fault keeps the plan from being made, a warning does not', async () => {
  const yaml = 'plugins: { cache: { config: { old: 1 } } }'
  const made = await planned({ yaml })
  const refused = await planned({ yaml: 'plugins: { cahce: true }' }).catch(
    (error: unknown) => error,
  )

  assert.equal(
    made.warnings.map(({ code }) => code),
    ['E_DEPRECATED'],
  )
  assert.ok(refused instanceof FaultsError && refused.faults.every(isError))
})

test.run()

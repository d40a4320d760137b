import { test } from 'uvu'

import docs from '../../../plugins/docs/index.ts'
import { readmeFacts } from '../database/readme-facts.ts'

readmeFacts(test, docs, {}, { page: true })

test.run()

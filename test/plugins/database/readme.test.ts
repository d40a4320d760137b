import { test } from 'uvu'

import { DatabaseErrors } from '../../../plugins/database/errors.ts'
import database from '../../../plugins/database/index.ts'
import { readmeFacts } from './readme-facts.ts'

readmeFacts(test, database, DatabaseErrors)

test.run()

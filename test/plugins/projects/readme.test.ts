import { test } from 'uvu'

import { ProjectErrors } from '../../../plugins/projects/errors.ts'
import projects from '../../../plugins/projects/index.ts'
import { readmeFacts } from '../database/readme-facts.ts'

readmeFacts(test, projects, ProjectErrors)

test.run()

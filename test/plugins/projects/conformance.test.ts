import { conformance } from 'autodocops/testing'

import projects from '../../../plugins/projects/index.ts'

const database = { kind: 'pglite', bind: (model: unknown) => model } as never

conformance(projects, { services: { database }, callRoutes: false })

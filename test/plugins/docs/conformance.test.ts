import { conformance } from 'autodocops/testing'

import docs from '../../../plugins/docs/index.ts'

conformance(docs)

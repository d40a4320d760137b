import { conformance } from 'autodocops/testing'

import sessions from '../../../plugins/sessions/index.ts'
import { secret } from './world.ts'

conformance(sessions, { config: { secret }, metricPrefixes: ['session'] })

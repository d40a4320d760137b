import { conformance } from 'autodocops/testing'

import auth from '../../../plugins/auth/index.ts'
import { secret } from './world.ts'

conformance(auth, { config: { secret } })

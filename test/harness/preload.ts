/** Runs before each test file, in its process. */
import process from 'node:process'

import { test } from 'uvu'

import { withToldHooks } from './hooks.ts'

withToldHooks(test)

// What a test starts with the flags of its own process is no test.
const self = process.execArgv.findIndex((flag) => flag.endsWith(import.meta.url))
if (self >= 0) process.execArgv.splice(self, 1)

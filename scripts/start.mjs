#!/usr/bin/env node
/** `npm start`: the server, built first when a source has changed. */
import { runCli } from './run-cli.mjs'

await runCli(['start', ...process.argv.slice(2)])

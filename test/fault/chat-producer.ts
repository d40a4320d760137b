/** A server of its own process, to be killed: prints its URL, and lives until then. */
import process from 'node:process'

import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'

const [url = '', prefix = ''] = process.argv.slice(2)
const app = await serveOnRedis(url, prefix)
console.log(app.url)

/** One instance of billing over HTTP, until it is killed. It prints the port that it listens on. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'

import { isProblem } from 'autodocops'
import { testPlugin } from 'autodocops/testing'

import billing from '../../plugins/billing/index.ts'
import { proPrice, onPostgres } from '../plugins/billing/stage.ts'

const [url = '', apiBase = '', webhookSecret = '', dies = ''] = process.argv.slice(2)
const database = await onPostgres(url, false)
const plugin = await testPlugin(billing, {
  config: {
    apiKey: 'sk_test_1',
    webhookSecret,
    apiBase,
    plans: { pro: { prices: [proPrice] } },
    readsPerSecond: 1_000,
    worker: { poll: '50ms', claim: '500ms', lease: '500ms' },
  },
  services: { database },
})
plugin.clock.advance(Date.now() - plugin.clock.now())
const webhook = plugin.services['webhook'] as {
  receive: (delivery: { body: Buffer; signature: string }) => Promise<string>
}
await plugin.activate()

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const signature = String(request.headers['stripe-signature'])
    webhook.receive({ body: Buffer.concat(parts), signature }).then(
      (code) => {
        if (dies === 'before-it-answers') process.kill(process.pid, 'SIGKILL')
        response.end(code)
      },
      (error: unknown) => {
        response.statusCode = isProblem(error) ? error.status : 500
        response.end()
      },
    )
  })
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${String((server.address() as AddressInfo).port)}\n`)
})

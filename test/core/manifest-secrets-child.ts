/**
 * One of several processes that race: at the moment that it is told, and every 20 ms after it, it asks for
 * two secrets in the next of several folders, and prints what it got.
 */
import { join } from 'node:path'

import { generatedSecret } from '../../core/manifest/generated-secrets.ts'

const [, , folder = '', startAt = '0', rounds = '1', ...names] = process.argv

const got = Array.from({ length: Number(rounds) }, (_, round) => {
  while (Date.now() < Number(startAt) + round * 20) {
    // Asleep it would come late, and never race.
  }
  const dataDir = join(folder, String(round))
  return names.toSorted().map((name) => generatedSecret(dataDir, name).reveal())
})
process.stdout.write(JSON.stringify(got))

/** One of several processes that race: prints the secrets that its arguments name. */
import { generatedSecret } from '../../core/manifest/generated-secrets.ts'

const [, , dataDir = '', ...names] = process.argv
process.stdout.write(names.map((name) => generatedSecret(dataDir, name).reveal()).join(' '))

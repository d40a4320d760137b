import type { AnyRequest, Reply } from 'autodocops'

import type {
  CacheNamespace,
  CacheService,
  CacheStatus,
  EntryOptions,
  RespondOptions,
} from './contract.ts'
import type { Wanted } from './engine.ts'
import { Engine } from './engine.ts'
import { Namespace } from './namespace.ts'
import type { Policy } from './policy.ts'
import { defaultPolicy, policyOf } from './policy.ts'
import { Responder } from './respond.ts'

/** The cache. Its own entries are those of the namespace `default`. */
export class TieredCache extends Namespace implements CacheService {
  readonly #engine: Engine
  readonly #responder: Responder
  readonly #config: Wanted['config']
  readonly #spaces = new Map<string, { readonly space: Namespace; readonly replies: Policy }>()

  constructor(to: Wanted) {
    const engine = new Engine(to)
    super('default', policyFor('default', undefined, to.config), engine)
    this.#engine = engine
    this.#config = to.config
    this.#responder = new Responder(engine.memory, to.clock)
  }

  namespace = (name: string, defaults?: EntryOptions): CacheNamespace =>
    new Namespace(name, policyFor(name, defaults, this.#config), this.#engine)

  respond = <T>(
    request: AnyRequest,
    options: RespondOptions<T>,
    load: (signal: AbortSignal) => Promise<T | undefined>,
  ): Promise<Reply | undefined> => {
    const { space, replies } = this.#spaceOf(options.namespace)
    return this.#responder.respond(request, options, load, space, replies)
  }

  status = (): CacheStatus => this.#engine.status()

  start(): void {
    this.#engine.start()
  }

  stop(): void {
    this.#engine.stop()
  }

  #spaceOf(name: string) {
    const known = this.#spaces.get(name)
    if (known) return known
    const stale = { stale: this.#config.staleReplies }
    const replies = policyFor(name, stale, this.#config)
    const made = { space: new Namespace(name, replies, this.#engine), replies }
    this.#spaces.set(name, made)
    return made
  }
}

/** What the operator says of a namespace outdoes what its user's code says by default. */
function policyFor(
  name: string,
  defaults: EntryOptions | undefined,
  config: Wanted['config'],
): Policy {
  return policyOf(config.namespaces[name], policyOf(defaults, defaultPolicy(config)))
}

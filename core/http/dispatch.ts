import Router from '@koa/router'

import type { Route } from '../route.ts'

type Layer = Router['stack'][number]

/** One route on its way to be matched; `target` is what it leads to. */
interface Candidate<T> {
  readonly order: number
  readonly layer: Layer
  readonly target: T
}

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  readonly candidates: Candidate<T>[]
}

export interface Match<T> {
  readonly target: T
  readonly params: Readonly<Record<string, string>>
}

const segment = /^(?:[A-Za-z0-9_.~-]+|:[A-Za-z_][A-Za-z0-9_]*)$/
const noParams = Object.freeze({})

/** A route that stays from one generation to the next is compiled once: that is the dearest part of a reload. */
export class Layers {
  readonly #known = new WeakMap<Route, Layer>()

  of(route: Route, router: Router): Layer {
    const known = this.#known.get(route)
    if (known !== undefined) return known
    checkPath(route.path)
    const layer = router.register(route.path, [route.method], () => undefined) as Layer
    this.#known.set(route, layer)
    return layer
  }
}

/**
 * Finds routes as @koa/router does, since its own layers decide; a trie only asks fewer of them. A layer hangs on
 * the node of its leading literal segments, so that everything which may match lies on the way down a path, and the
 * candidates there are asked in the order of registration.
 *
 * **Invariant:** equal to one @koa/router that holds all routes, for every path and method
 * (`test/core/http-dispatch.test.ts`).
 */
export class Dispatch<T> {
  readonly #root: Node<T> = { literals: new Map(), candidates: [] }
  readonly #layers: Layers
  #size = 0

  constructor(layers = new Layers()) {
    this.#layers = layers
  }

  /** A router of its own for each plugin. */
  mount(routes: readonly { readonly route: Route; readonly target: T }[]): void {
    const router = new Router()
    for (const { route, target } of routes) {
      const layer = this.#layers.of(route, router)
      this.#nodeFor(route.path).candidates.push({ order: this.#size++, layer, target })
    }
  }

  find(method: string, path: string): Match<T> | undefined {
    let best: Candidate<T> | undefined
    for (const candidate of this.#onTheWay(path)) {
      const isEarlier = best === undefined || candidate.order < best.order
      if (isEarlier && candidate.layer.methods.includes(method) && candidate.layer.match(path))
        best = candidate
    }
    return best && { target: best.target, params: paramsOf(best.layer, path) }
  }

  /** The methods that the path has; none when it does not exist. */
  allowed(path: string): readonly string[] {
    const methods = new Set<string>()
    for (const { layer } of this.#onTheWay(path))
      if (layer.match(path)) for (const method of layer.methods) methods.add(method)
    return [...methods]
  }

  #nodeFor(path: string): Node<T> {
    let node = this.#root
    for (const name of path.toLowerCase().split('/').slice(1)) {
      if (name === '' || name.startsWith(':')) return node
      const child = node.literals.get(name) ?? { literals: new Map(), candidates: [] }
      node.literals.set(name, child)
      node = child
    }
    return node
  }

  #onTheWay(path: string): readonly Candidate<T>[] {
    const lower = path.toLowerCase()
    let node: Node<T> | undefined = this.#root
    let found = node.candidates
    for (let start = 1; node !== undefined && start <= lower.length;) {
      const slash = lower.indexOf('/', start)
      const end = slash === -1 ? lower.length : slash
      node = node.literals.get(lower.slice(start, end))
      start = end + 1
      if (node === undefined || node.candidates.length === 0) continue
      found = found.length === 0 ? node.candidates : [...found, ...node.candidates]
    }
    return found
  }
}

function paramsOf(layer: Layer, path: string): Readonly<Record<string, string>> {
  return layer.paramNames.length === 0 ? noParams : layer.params(path, layer.captures(path))
}

function checkPath(path: string): void {
  const isPlain =
    path === '/' ||
    path
      .slice(1)
      .split('/')
      .every((name) => segment.test(name))
  if (path.startsWith('/') && isPlain) return
  throw new TypeError(`the path '${path}' has something else than literal segments and ':name'`)
}

/** Two routes of the same shape never both answer: `/a/:id` and `/A/:name` are one. */
export const shapeOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string =>
  `${method} ${path.toLowerCase().replaceAll(/:[^/]+/g, ':')}`

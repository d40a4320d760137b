import type { Json } from './json.ts'

type Node = { [key: string]: Node | string }

/**
 * Stripe's form encoding: `items[0][price]=price_1&metadata[owner]=alice`. Keys like `__proto__` stay plain keys, since
 * no object here has a prototype.
 */
export function decodeForm(text: string): Json {
  const root: Node = Object.create(null)
  for (const [name, value] of new URLSearchParams(text)) {
    const path = name.split(/\]?\[|\]$/).filter((part, at) => at === 0 || part !== '')
    put(
      root,
      name.endsWith('[]') ? [...path, String(Object.keys(at(root, path)).length)] : path,
      value,
    )
  }
  return arrays(root) as Json
}

function at(node: Node, path: readonly string[]): Node {
  return path.reduce<Node>((inner, key) => {
    const next = inner[key]
    return typeof next === 'object' ? next : {}
  }, node)
}

function put(node: Node, [key = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    node[key] = value
    return
  }
  const next = node[key]
  const inner: Node = typeof next === 'object' ? next : Object.create(null)
  node[key] = inner
  put(inner, rest, value)
}

/** A node whose keys are 0, 1, 2 … is a list. */
function arrays(node: Node | string): unknown {
  if (typeof node === 'string') return node
  const keys = Object.keys(node)
  const isList = keys.length > 0 && keys.every((key, index) => key === String(index))
  if (isList) return keys.map((key) => arrays(node[key] ?? ''))
  return Object.fromEntries(keys.map((key) => [key, arrays(node[key] ?? '')]))
}

import {
  isMap,
  isNode,
  isScalar,
  parseDocument,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml'

/** One line of a change, as a diff shows it. */
export interface ChangedLine {
  readonly sign: '+' | '-'
  readonly line: number
  readonly text: string
}

/** A stretch of the text, and what stands there instead. */
type Edit = readonly [from: number, to: number, text: string]

/**
 * The text of a manifest with one plugin switched on or off. Only the switch itself is written: comments,
 * quotes, order and the plugin's config stay, so that off and on again loses nothing. `undefined`: it already
 * is so.
 */
export function switched(text: string, plugin: string, on: boolean): string | undefined {
  const plugins = parseDocument(text).get('plugins')
  if (!isMap(plugins)) return `${text.trimEnd()}\n\nplugins:\n  ${plugin}: ${on}\n`
  const pair = plugins.items.find(({ key }) => isScalar(key) && key.value === plugin)
  if (pair !== undefined && isOn(pair) === on) return undefined
  const [from, to, put] = pair === undefined ? added(plugins, plugin, on) : edited(pair, on, text)
  return text.slice(0, from) + put + text.slice(to)
}

/** As the reader sees it: `false` and `enabled: false` are off, an interpolation is neither. */
function isOn({ value }: Pair): boolean | undefined {
  if (isScalar(value)) return value.value !== false
  if (!isMap(value)) return true
  const enabled = value.get('enabled')
  return typeof enabled === 'string' ? undefined : enabled !== false
}

function edited({ key, value }: Pair, on: boolean, text: string): Edit {
  const enabled = isMap(value) && value.get('enabled', true)
  if (isScalar(enabled)) return replaced(enabled, on)
  if (isMap(value) && value.flow === true) return at(startOf(value) + 1, ` enabled: ${on},`)
  if (isMap(value))
    return at(startOf(value), `enabled: ${on}\n${indentBefore(text, startOf(value))}`)
  if (isScalar(value) && endOf(value) > startOf(value)) return replaced(value, on)
  // A name and a colon, and nothing behind: it is on.
  return at(text.indexOf(':', endOf(key as Scalar)) + 1, ` ${on}`)
}

function added(plugins: YAMLMap, plugin: string, on: boolean): Edit {
  const { value } = plugins.items.at(-1) ?? {}
  if (value === undefined && plugins.flow === true)
    return at(startOf(plugins) + 1, ` ${plugin}: ${on} `)
  const end = isNode(value) ? endOf(value) : endOf(plugins)
  return at(end, plugins.flow === true ? `, ${plugin}: ${on}` : `\n  ${plugin}: ${on}`)
}

const at = (place: number, text: string): Edit => [place, place, text]
const replaced = (scalar: Scalar, on: boolean): Edit => [startOf(scalar), endOf(scalar), String(on)]
const startOf = (node: Node): number => node.range?.[0] ?? 0
const endOf = (node: Node): number => node.range?.[1] ?? 0
const indentBefore = (text: string, place: number): string =>
  text.slice(text.lastIndexOf('\n', place - 1) + 1, place)

/** What differs, line by line; both texts differ in a few lines that stand together. */
export function changedLines(before: string, after: string): readonly ChangedLine[] {
  const [old, young] = [before.split('\n'), after.split('\n')]
  let head = 0
  while (head < old.length && old[head] === young[head]) head += 1
  let tail = 0
  while (
    tail < Math.min(old.length, young.length) - head &&
    old[old.length - 1 - tail] === young[young.length - 1 - tail]
  ) {
    tail += 1
  }
  const lines = (all: readonly string[], sign: '+' | '-') =>
    all
      .slice(head, all.length - tail)
      .map((text, index) => ({ sign, line: head + index + 1, text }))
  return [...lines(old, '-'), ...lines(young, '+')]
}

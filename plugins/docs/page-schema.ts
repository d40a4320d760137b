import { html, prose } from './html.ts'
import type { Markup } from './html.ts'
import { nameOf, schemaAt } from './openapi.ts'
import type { ApiDocument, ApiSchema } from './openapi.ts'
import { typesOf, variantsOf } from './sample.ts'

/** Past this a reader is lost, and a schema that holds itself would never end. */
const deepest = 5

/** What a value is, in one line: `array of Project`, `string | null`. */
export function typeText(schema: ApiSchema): string {
  const name = nameOf(schema)
  if (name !== undefined) return name
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const variants = schema.properties === undefined && (schema.anyOf ?? schema.oneOf)
  if (variants) return variants.map(typeText).join(' | ')
  const types = typesOf(schema).map((type) =>
    type === 'array' ? `array of ${typeText(schema.items ?? {})}` : type,
  )
  return types.length === 0 ? 'anything' : types.join(' | ')
}

/** The members of an object, and inside them the members of what they hold. */
export function fieldList(document: ApiDocument, reference: ApiSchema, depth = 0): Markup {
  const schema = innermost(document, reference)
  const properties = Object.entries(schema.properties ?? {})
  const hasMore = isOpen(schema)
  if (properties.length === 0 && !hasMore)
    return html`<ul class="fields">
      <li>
        <p class="field"><span class="type">${typeText(reference)}</span></p>
        ${constraintsOf(schema)}
      </li>
    </ul>`
  return html`<ul class="fields">
    ${properties.map(([name, value]) =>
      field(document, name, value, schema.required?.includes(name) ?? false, depth),
    )}${
      hasMore &&
      html`<li>
        <p class="field"><span class="type">${restText(schema)}</span></p>
      </li>`
    }
  </ul>`
}

const isOpen = ({ additionalProperties: rest }: ApiSchema): boolean =>
  rest === true || typeof rest === 'object'

function restText({ additionalProperties: rest, properties }: ApiSchema): string {
  const of = typeof rest === 'object' && Object.keys(rest).length > 0 ? `: ${typeText(rest)}` : ''
  return properties === undefined ? `any name${of}` : `further members${of}`
}

function field(
  document: ApiDocument,
  name: string,
  schema: ApiSchema,
  isRequired: boolean,
  depth: number,
): Markup {
  const { description } = schema
  return html`<li>
    <p class="field">
      <code class="name">${name}</code>
      <span class="type">${typeText(schema)}</span
      >${isRequired && html` <span class="required">required</span>`} ${constraintsOf(schema)}
    </p>
    ${description !== undefined && html`<p class="says">${prose(description)}</p>`}${inside(document, schema, depth)}
  </li> `
}

function inside(document: ApiDocument, schema: ApiSchema, depth: number): Markup | undefined {
  const inner = innermost(document, schema)
  if (inner.properties === undefined || depth >= deepest) return undefined
  const count = Object.keys(inner.properties).length
  return html`<details class="inside">
    <summary>${count} ${count === 1 ? 'member' : 'members'}</summary>
    ${fieldList(document, inner, depth + 1)}
  </details>`
}

/** Through references, lists and `or null` to what has members. */
function innermost(document: ApiDocument, reference: ApiSchema, hops = 0): ApiSchema {
  const schema = schemaAt(document, reference)
  if (schema.properties !== undefined || hops > deepest) return schema
  const [variant] = variantsOf(schema)
  const next = schema.items ?? variant
  return next === undefined ? schema : innermost(document, next, hops + 1)
}

/** What else a value must keep to. */
export function constraintsOf(schema: ApiSchema): Markup | undefined {
  const { format, pattern, default: preset } = schema
  const said = [
    ...(format === undefined ? [] : [html`${format}`]),
    ...rangeOf(schema),
    ...(pattern === undefined ? [] : [html`<code>${pattern}</code>`]),
    ...(preset === undefined ? [] : [html`default <code>${JSON.stringify(preset)}</code>`]),
  ]
  if (said.length === 0) return undefined
  return html`<span class="limits"
    >${said.map((part, index) => html`${index > 0 && ' · '}${part}`)}</span
  >`
}

function rangeOf(schema: ApiSchema): readonly Markup[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema
  const ranges: readonly (readonly [number | undefined, number | undefined, string])[] = [
    [minimum, maximum, ''],
    [minLength, maxLength, ' characters'],
    [minItems, maxItems, ' items'],
  ]
  return ranges
    .filter(([least, most]) => least !== undefined || most !== undefined)
    .map(([least, most, unit]) => html`${spelled(least, most, unit)}`)
}

function spelled(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === 1 && most === undefined && unit !== '') return 'not empty'
  if (least === undefined) return `at most ${most ?? ''}${unit}`
  return most === undefined ? `at least ${least}${unit}` : `${least} to ${most}${unit}`
}

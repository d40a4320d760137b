/** An OpenAPI document as the page reads it: what `document.ts` writes, and no more. */

export interface ApiSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly format?: string
  readonly pattern?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly properties?: Readonly<Record<string, ApiSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | ApiSchema
  readonly items?: ApiSchema
  readonly anyOf?: readonly ApiSchema[]
  readonly oneOf?: readonly ApiSchema[]
  readonly allOf?: readonly ApiSchema[]
}

export interface ApiParameter {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: ApiSchema
  readonly example?: unknown
}

export interface ApiMedia {
  readonly schema?: ApiSchema
  readonly examples?: Readonly<Record<string, ApiExample>>
}

export interface ApiExample {
  readonly $ref?: string
  readonly summary?: string
  readonly value?: unknown
}

export interface ApiResponse {
  readonly description: string
  readonly content?: Readonly<Record<string, ApiMedia>>
  /** Codes of the problems that this operation's own handler throws. */
  readonly 'x-own'?: readonly string[]
}

/** A whole request: what to fill in, and the status that it gives when that is not the first 2xx. */
export interface ApiRequest {
  readonly summary: string
  readonly params?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, string | number>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly status?: number
  readonly skip?: string
}

export interface ApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly ApiParameter[]
  readonly requestBody?: {
    readonly required: boolean
    readonly content: Readonly<Record<string, ApiMedia>>
  }
  readonly responses: Readonly<Record<string, ApiResponse>>
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly 'x-plugin': string
  readonly 'x-examples': readonly ApiRequest[]
}

export interface ApiPlugin {
  readonly name: string
  readonly version: string
  readonly summary: string
  readonly state: 'running' | 'unavailable'
}

export interface ApiDocument {
  readonly openapi: string
  readonly info: {
    readonly title: string
    readonly description: string
    readonly version: string
    readonly 'x-plugins': readonly ApiPlugin[]
  }
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>
  /** Absent when there is none. */
  readonly components?: {
    readonly schemas?: Readonly<Record<string, ApiSchema>>
    readonly examples?: Readonly<Record<string, ApiExample>>
    readonly securitySchemes?: Readonly<Record<string, ApiScheme>>
  }
}

export interface ApiScheme {
  readonly type: string
  readonly scheme?: string
  readonly in?: string
  readonly name?: string
  readonly description?: string
}

/** An operation with its place: `GET /api/projects/{id}`. */
export interface Placed extends ApiOperation {
  readonly method: string
  readonly path: string
}

export const operationsOf = ({ paths }: ApiDocument): readonly Placed[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  )

export const serverUrl = ({ servers }: ApiDocument): string => servers[0]?.url ?? ''

/** What a `$ref` of the components names. */
export function schemaAt({ components }: ApiDocument, schema: ApiSchema): ApiSchema {
  const name = nameOf(schema)
  return name === undefined ? schema : (components?.schemas?.[name] ?? {})
}

export const nameOf = ({ $ref }: ApiSchema): string | undefined => $ref?.split('/').at(-1)

export function exampleAt({ components }: ApiDocument, example: ApiExample): ApiExample {
  const name = example.$ref?.split('/').at(-1)
  return name === undefined ? example : (components?.examples?.[name] ?? {})
}

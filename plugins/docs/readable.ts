import type { CreateDocumentOptions } from 'zod-openapi'

type Override = Extract<NonNullable<CreateDocumentOptions['override']>, (...given: never) => void>

/** What zod says to be exact and no reader needs: the bounds of safe integers, the pattern behind a format. */
export const readable: Override = ({ jsonSchema }) => {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
}

import * as z from 'zod'

const largestId = 2_147_483_647

/** Postgres text holds no NUL; other control characters have no business in a name. Trimmed last: what is checked is what was sent. */
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^(?!\s*$)\P{Cc}*$/u, {
    error: 'must not be blank, or hold control characters',
  })
  .trim()
const description = z
  .string()
  .max(10_000)
  .regex(/^[^\0]*$/, { error: 'must not hold NUL' })
  .nullable()
const visibility = z.enum(['public', 'private'])

export const Project = z
  .object({
    id: z.int(),
    name: z.string(),
    description: z.string().nullable(),
    visibility,
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Project' })

export const ProjectPage = z
  .object({
    items: z.array(Project),
    nextCursor: z.string().nullable().describe('For `?cursor=`; null on the last page.'),
  })
  .meta({ id: 'ProjectPage' })

export const NewProject = z
  .strictObject({
    name: name.describe('Unique among your projects.'),
    description: description.default(null).describe('Anything that helps to know it again.'),
    visibility: visibility.default('private').describe('`public`: anyone may read it.'),
  })
  .meta({ id: 'NewProject' })

export const ProjectChanges = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    visibility: visibility.optional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, { error: 'must change something' })
  .meta({ id: 'ProjectChanges', minProperties: 1 })

/** An id as it stands in a path or a cursor. */
const idText = z
  .string()
  .regex(/^[1-9]\d{0,9}$/)
  .transform(Number)
  .refine((id) => id <= largestId)
  .meta({ override: { type: 'integer', minimum: 1, maximum: largestId, pattern: undefined } })

export const ProjectId = z.object({ id: idText })

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('How many at most.'),
  cursor: idText.optional().describe('`nextCursor` of the page before.'),
})

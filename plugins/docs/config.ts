import * as z from 'zod'

export const config = z.strictObject({
  title: z.string().min(1).default('AutoDocOps').describe('The title of the document.'),
  description: z
    .string()
    .default('The API of this server: exactly the routes of the plugins that are on.')
    .describe('The introduction of the document.'),
})

export type DocsConfig = z.output<typeof config>

import * as z from 'zod'

export const config = z.strictObject({
  title: z.string().min(1).default('AutoDocOps').describe('The title of the document.'),
  description: z
    .string()
    .default('The API of this server: exactly the routes of the plugins that are on.')
    .describe('The introduction of the document.'),
  page: z
    .boolean()
    .default(true)
    .describe('Serve the page at `/docs`; `false`: the document alone, at `/openapi.json`.'),
})

export type DocsConfig = z.output<typeof config>

import { problems } from './errors.ts'

/** Why a plugin cannot be loaded; the plan tells it as E_PLUGIN_LOAD. */
export const SourceErrors = problems({
  plugin_not_installed: {
    status: 500,
    title: 'Plugin is not installed',
    detail: ({ name }: { name: string }) => `the package '${name}' is not installed`,
    hint: 'Install it beside the manifest: npm install <package>',
  },
  plugin_folder_missing: {
    status: 500,
    title: 'Plugin folder is missing',
    detail: ({ folder }: { folder: string }) => `there is no plugin in the folder ${folder}`,
    hint: 'It needs a package.json with "autodocops", or an index.ts or index.js.',
  },
  plugin_facts_invalid: {
    status: 500,
    title: 'Plugin facts are invalid',
    detail: ({ where, why }: { where: string; why: string }) => `${where}: ${why}`,
    hint: 'Its author writes them with: autodocops plugins --facts <folder>',
  },
  plugin_facts_stale: {
    status: 500,
    title: 'Plugin facts are stale',
    detail: ({ where, keys }: { where: string; keys: string }) =>
      `${where} is not what its package.json says: ${keys}`,
    hint: 'Write them anew: autodocops plugins --facts <folder>. If the package was updated while this server ran, restart it: code is loaded once.',
  },
  plugin_typescript: {
    status: 500,
    title: 'TypeScript is not run here',
    detail: ({ where }: { where: string }) =>
      `${where} is TypeScript, or loads some, which this runtime does not run there`,
    hint: 'Compile it to JavaScript; or take it as a ./folder outside node_modules, on Node 22.18 or newer, or Deno.',
  },
  plugin_invalid: {
    status: 500,
    title: 'Not a plugin',
    detail: ({ where }: { where: string }) => `${where} has no default export made by definePlugin`,
  },
  config_invalid: {
    status: 500,
    title: 'No config schema',
    detail: ({ where }: { where: string }) => `${where} exports no zod schema named 'config'`,
  },
})

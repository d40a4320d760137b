import { problems } from './errors.ts'

/** What can go wrong with plugins that run: the codes of reports, logs and the boot's last words. */
export const HostErrors = problems({
  plugin_duplicate: {
    status: 500,
    title: 'Plugin named twice',
    detail: ({ plugin }: { plugin: string }) => `two plugins are named '${plugin}'`,
  },
  plugin_start_timeout: {
    status: 503,
    title: 'Plugin did not start in time',
    detail: ({ plugin, ms }: { plugin: string; ms: number }) =>
      `plugin '${plugin}' did not start within ${ms} ms`,
    hint: 'Look at its last log line, and at what it connects to.',
  },
  plugin_hook_timeout: {
    status: 500,
    title: 'Hook of a plugin did not end in time',
    detail: ({ plugin, hook, ms }: { plugin: string; hook: string; ms: number }) =>
      `${hook} of plugin '${plugin}' did not end within ${ms} ms; it was left behind`,
  },
  plugin_stop_timeout: {
    status: 500,
    title: 'Plugin did not stop in time',
    detail: ({ plugin, ms }: { plugin: string; ms: number }) =>
      `plugin '${plugin}' did not stop within ${ms} ms; it was left behind`,
  },
  service_undeclared: {
    status: 500,
    title: 'Undeclared service',
    detail: ({ plugin, service }: { plugin: string; service: string }) =>
      `plugin '${plugin}' used '${service}', which it does not declare`,
    hint: 'Name it under requires, provides or internal.',
  },
  dependency_unavailable: {
    status: 503,
    title: 'Dependency unavailable',
    detail: ({ plugin, needs }: { plugin: string; needs: string }) =>
      `plugin '${plugin}' needs '${needs}', which did not start`,
  },
  migration_pending: {
    status: 503,
    title: 'Migrations are pending',
    detail: ({ plugin, pending }: { plugin: string; pending: readonly string[] }) =>
      `plugin '${plugin}' has migrations that did not run here: ${pending.join(', ')}`,
    hint: 'A reload never migrates a schema in use. Restart the server, or run: autodocops migrate up',
  },
  health_failed: {
    status: 503,
    title: 'Health check failed',
    detail: ({ plugin, check, detail }: { plugin: string; check: string; detail: string }) =>
      `plugin '${plugin}', check '${check}': ${detail}`,
  },
  listen_failed: {
    status: 500,
    title: 'Address cannot be listened on',
    detail: ({ address, reason }: { address: string; reason: string }) =>
      `cannot listen on ${address}: ${reason}`,
    hint: 'Stop what uses it, or set another PORT or OPERATIONS_ADDRESS.',
  },
  manifest_changed: {
    status: 412,
    title: 'The manifest is another one',
    detail: ({ expected, actual }: { expected: string; actual: string }) =>
      `If-Match names ${expected}, the running manifest is ${actual}`,
    hint: 'Read GET /admin/plan again and decide anew.',
  },
  reload_rejected: {
    status: 422,
    title: 'The reload was rejected; nothing has changed',
  },
})

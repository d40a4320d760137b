/** The public face of the core: all that a plugin or an embedder may use. */
export { isProblem, ProblemError, problems } from './errors.ts'
export type { ProblemExtra, ProblemItem, ProblemKind, ProblemMaker } from './errors.ts'
export { Secret, secret } from './secret.ts'
export { byteSize, duration } from './duration.ts'
export { CoreEvents } from './core-events.ts'
export { dashboardRow } from './dashboard.ts'
export type { DashboardRow, Panel } from './dashboard.ts'
export { events } from './events.ts'
export type { EventBus, EventSet } from './events.ts'
export type { Logger } from './log.ts'
export { cls, optional, own, service } from './service.ts'
export type { Resolved, ServiceOf, ServiceToken } from './service.ts'
export { impliedProblems, parserProblems } from './http/implied-problems.ts'
export { counter, gauge, histogram, open, upDown } from './metric.ts'
export type { Collected, Labels, MetricFamily, Sample } from './metric.ts'
export type { Principal } from './principal.ts'
export { isReply, reply } from './route.ts'
export type {
  AnyRequest,
  Auth,
  BodyRule,
  Method,
  OperationOf,
  Reply,
  ResponseRule,
  Route,
  RouteExample,
  RouteFacts,
  RouteOf,
  RouteRequest,
} from './route.ts'
export type {
  AuthenticationRequest,
  Authenticator,
  LimitDecision,
  Limiter,
  LimitRequest,
  Meter,
  MeteredPlugin,
  MigrationState,
  Migrator,
  SecurityScheme,
} from './slots.ts'
export { defineApp } from './define-app.ts'
export { definePlugin } from './plugin.ts'
export type {
  AppView,
  Clock,
  Command,
  CommandIo,
  CommandOption,
  Examination,
  Finding,
  Health,
  Plugin,
  PluginState,
  Provided,
  Random,
  ServerFacts,
  Services,
} from './plugin.ts'

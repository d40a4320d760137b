/** For the tests of plugins, ours and yours: `autodocops/testing`. */
export { conformance } from './conformance.ts'
export type { ConformanceOptions } from './conformance.ts'
export { TestClock } from './surroundings.ts'
export type { LogLine } from './surroundings.ts'
export { buildPlugin, TestedPlugin, testPlugin } from './test-plugin.ts'
export type { TestInjection, TestPluginOptions } from './test-plugin.ts'
export { inject } from './wire.ts'
export type { Injected, Injection } from './wire.ts'

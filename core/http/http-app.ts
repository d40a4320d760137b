import { Application } from './application.ts'
import type { HttpApp, HttpAppOptions } from './contract.ts'

export type { HttpApp, HttpAppOptions, MountedPlugin } from './contract.ts'

export const createHttpApp = (options: HttpAppOptions): HttpApp => new Application(options)

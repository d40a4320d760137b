import type { Manifest } from './manifest.ts'

export interface ReadOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Else `AUTODOCOPS_MANIFEST`, else `config/manifest.yaml`, else the built-in default. */
  readonly file?: string
}

export function readManifest(options: ReadOptions): Manifest {
  throw new Error(`not written yet: ${options.cwd}`)
}

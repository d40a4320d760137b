import type { Fault, FaultCode } from './faults.ts'
import type { Manifest } from './manifest.ts'
import { pathText, type Path } from './tree.ts'

export interface FaultExtra {
  readonly hint?: string | undefined
  readonly origin?: string | undefined
  readonly severity?: Fault['severity']
  /** `key` points at the name instead of at the value. */
  readonly at?: 'key' | 'value'
}

/** Gathers the faults of one manifest; knows where each path stands. */
export class FaultList {
  readonly #manifest: Manifest
  readonly #faults: Fault[]

  constructor(manifest: Manifest) {
    this.#manifest = manifest
    this.#faults = [...manifest.faults]
  }

  add(code: FaultCode, path: Path, message: string, extra: FaultExtra = {}): void {
    const { hint, severity = 'error', at = 'value' } = extra
    const position = at === 'key' ? this.#manifest.keyPosition(path) : this.#manifest.position(path)
    const origin = extra.origin ?? (at === 'key' ? undefined : this.#manifest.origin(path))
    this.#faults.push({
      ...position,
      code,
      path: pathText(path),
      message,
      ...(origin !== undefined && { origin }),
      ...(hint !== undefined && { hint }),
      severity,
    })
  }

  /** As they stand in the files, each once. */
  get all(): readonly Fault[] {
    const unique = new Map(this.#faults.map((fault) => [JSON.stringify(fault), fault]))
    return [...unique.values()].toSorted(
      (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.col - b.col,
    )
  }
}

import { didYouMean } from './closest.ts'
import type { FaultList } from './fault-list.ts'
import { booleanOf } from './fit.ts'
import type { Manifest } from './manifest.ts'
import type { Path } from './tree.ts'

/** One line under `plugins:`. */
export interface Entry {
  readonly name: string
  readonly enabled: boolean
  /** `npm:package` or `./folder`; a built-in plugin has none. */
  readonly from: string | undefined
  readonly critical: boolean
  /** Runs it on a core that it does not name. */
  readonly ignoreCore: boolean
}

const keys = ['enabled', 'critical', 'from', 'ignoreCore', 'config']

export function readEntries(manifest: Manifest, faults: FaultList): readonly Entry[] {
  const block = manifest.value(['plugins'])
  if (block === undefined || block === null) return []
  if (typeof block !== 'object' || Array.isArray(block)) {
    faults.add('E_CONFIG', ['plugins'], 'must be a map of plugins', {
      hint: 'plugins: { cache: true }',
    })
    return []
  }
  return manifest
    .keys(['plugins'])
    .flatMap((name) => new EntryReader(manifest, faults, name).read())
}

class EntryReader {
  readonly #manifest: Manifest
  readonly #faults: FaultList
  readonly #name: string
  readonly #path: Path

  constructor(manifest: Manifest, faults: FaultList, name: string) {
    this.#manifest = manifest
    this.#faults = faults
    this.#name = name
    this.#path = ['plugins', name]
  }

  read(): readonly Entry[] {
    const value = this.#manifest.value(this.#path)
    const plain = { name: this.#name, from: undefined, critical: true, ignoreCore: false }
    if (typeof value === 'boolean') return [{ ...plain, enabled: value }]
    const isScalar = typeof value !== 'object' || value === null
    const isText = typeof value === 'string' || value === undefined
    const isInterpolated = this.#manifest.origin(this.#path) !== undefined || value === undefined
    if (isText && isInterpolated) return [{ ...plain, enabled: this.#flag(this.#path, true) }]
    if (isScalar || Array.isArray(value)) return this.#refuse()
    this.#refuseUnknownKeys()
    const from = this.#from()
    if (from === null) return []
    const enabled = this.#flag([...this.#path, 'enabled'], true)
    return [
      {
        name: this.#name,
        enabled,
        from,
        critical: this.#flag([...this.#path, 'critical'], true),
        ignoreCore: this.#flag([...this.#path, 'ignoreCore'], false),
      },
    ]
  }

  #refuse(): readonly Entry[] {
    this.#faults.add('E_CONFIG', this.#path, 'must be true, false or a map', {
      hint: `${this.#name}: true, or ${this.#name}: { config: { … } }`,
    })
    return []
  }

  #refuseUnknownKeys(): void {
    for (const key of this.#manifest.keys(this.#path)) {
      if (keys.includes(key)) continue
      const hint = didYouMean(key, keys) ?? `options of the plugin itself stand under config:`
      const message = `unknown key '${key}' of a plugin`
      this.#faults.add('E_KEY_UNKNOWN', [...this.#path, key], message, { hint, at: 'key' })
    }
  }

  /** What came out empty is false: `enabled: "${REDIS_URL:+true}"`. */
  #flag(path: Path, absent: boolean): boolean {
    const value = this.#manifest.value(path)
    const broken = this.#manifest.interpolationFaults(path)
    for (const { path: at, fault } of broken) this.#faults.add(fault.code, at, fault.message, fault)
    if (broken.length > 0) return absent
    if (value === undefined) return this.#manifest.isWritten(path) ? false : absent
    if (typeof value === 'boolean') return value
    if (value === '') return false
    const isInterpolated = this.#manifest.origin(path) !== undefined
    const read = typeof value === 'string' && isInterpolated ? booleanOf(value) : undefined
    if (read === undefined) this.#faults.add('E_CONFIG', path, 'must be true or false')
    return read ?? absent
  }

  /** Null when it is written and says no place. */
  #from(): string | undefined | null {
    const path = [...this.#path, 'from']
    const value = this.#manifest.value(path)
    if (value === undefined) return undefined
    if (typeof value === 'string' && /^(npm:.|\.{1,2}\/)/.test(value)) return value
    this.#faults.add('E_CONFIG', path, 'must be npm:<package> or ./<folder>', {
      hint: 'a package is installed first: npm install <package>',
    })
    return null
  }
}

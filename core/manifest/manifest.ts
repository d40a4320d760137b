import type { Fault, Position } from './faults.ts'
import {
  find,
  keyPositionOf,
  leaves,
  plain,
  positionOf,
  type LeafFault,
  type Path,
  type Tree,
} from './tree.ts'

export interface ManifestOptions {
  readonly file: string
  readonly files: readonly string[]
  readonly folder: string
  readonly cwd: string
  readonly production: boolean
  readonly isBuiltIn: boolean
  readonly root: Tree
  readonly faults: readonly Fault[]
}

/** A manifest that was read and merged, not yet judged: that is the plan's business. */
export class Manifest {
  /** As shown to people. */
  readonly file: string
  /** Every file that went into it, absolute: what a watcher watches. */
  readonly files: readonly string[]
  /** Absolute; `from: ./folder` and `npm:` start here. */
  readonly folder: string
  readonly cwd: string
  /** `NODE_ENV=production`, in the environment or in `.env`. */
  readonly production: boolean
  /** The one that comes with the package, since the folder has none. */
  readonly isBuiltIn: boolean
  /** What the reader itself found: syntax, files. */
  readonly faults: readonly Fault[]
  readonly #root: Tree

  constructor(options: ManifestOptions) {
    this.file = options.file
    this.files = options.files
    this.folder = options.folder
    this.cwd = options.cwd
    this.production = options.production
    this.isBuiltIn = options.isBuiltIn
    this.faults = options.faults
    this.#root = options.root
  }

  /** Plain data; `undefined` when it is not written or came out empty. */
  value(path: Path): unknown {
    const tree = find(this.#root, path)
    return tree && plain(tree)
  }

  /** True also for what is written and came out empty. */
  isWritten(path: Path): boolean {
    return find(this.#root, path) !== undefined
  }

  keys(path: Path): readonly string[] {
    const tree = find(this.#root, path)
    return tree?.kind === 'map' ? [...tree.entries.keys()] : []
  }

  /** Where a value came from: `env DB_HOST`. A value that is written in the file has none. */
  origin(path: Path): string | undefined {
    const tree = find(this.#root, path)
    return tree?.kind === 'leaf' ? tree.origin : undefined
  }

  position(path: Path): Position {
    return positionOf(this.#root, path)
  }

  keyPosition(path: Path): Position {
    return keyPositionOf(this.#root, path)
  }

  /** What interpolation found below a path. */
  interpolationFaults(path: Path): readonly { readonly path: Path; readonly fault: LeafFault }[] {
    const tree = find(this.#root, path)
    if (tree === undefined) return []
    return [...leaves(tree, path)].flatMap(([at, leaf]) =>
      leaf.faults.map((fault) => ({ path: at, fault })),
    )
  }
}

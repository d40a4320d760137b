/** The routes of the benchmark: what a server of `count` routes looks like when ten plugins share it. */
export interface BenchRoute {
  readonly path: string
  /** A target that it answers. */
  readonly target: string
}

const plugins = 10

export function benchRoutes(count: number): readonly BenchRoute[] {
  return Array.from({ length: count }, (_, i) => {
    const prefix = `/api/plugin${i % plugins}/resource${Math.floor(i / plugins)}`
    return { path: `${prefix}/:id`, target: `${prefix}/42` }
  })
}

/** One private Postgres and one private Redis for the whole run, unless the environment names some. */
const harness = (name) =>
  import(new URL(`../../dist/test/harness/${name}.js`, import.meta.url).href)

export class Services {
  /** TEST_DATABASE_URL and TEST_REDIS_URL for the files of the tier `real`. */
  env = {}
  #stops = []

  async start() {
    await Promise.all([this.#postgres(), this.#redis()])
    return this
  }

  async #postgres() {
    if (process.env.TEST_DATABASE_URL) return
    const { startPostgres } = await harness('postgres-server')
    const server = await startPostgres()
    if (!server) return
    this.env.TEST_DATABASE_URL = server.url
    this.#stops.push(() => server.stop())
  }

  async #redis() {
    if (process.env.TEST_REDIS_URL) return
    const { RedisServer } = await harness('redis-server')
    const server = await RedisServer.start()
    if (!server) return
    this.env.TEST_REDIS_URL = server.url
    this.#stops.push(() => server.stop())
  }

  async stop() {
    await Promise.all(this.#stops.splice(0).map((stop) => stop()))
  }
}

/** Clocks of Redis and Postgres that a test can set. */
import type { Redis } from 'ioredis'
import type { Knex } from 'knex'

/** Seen from a Redis whose clock is set forward, all that is stored is older: scores are ends, and so are the times to live. */
const age = `
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  if redis.call('TYPE', key).ok == 'zset' then
    for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[2], id) end
  end
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[2]) end
end`

export const ageRedis = async (client: Redis, prefix: string, ms: number): Promise<void> => {
  await client.eval(age, 0, `${prefix}*`, ms)
}

const path = 'set_clock, public, pg_catalog'

/** Before anything is created: `now()` is then a clock of its own, in the middle of a month. */
export const settableNow = `
CREATE SCHEMA set_clock;
CREATE TABLE set_clock.ahead AS
  SELECT date_trunc('month', pg_catalog.now()) + interval '14 days' - pg_catalog.now() AS by;
CREATE FUNCTION set_clock.now() RETURNS timestamptz LANGUAGE sql STABLE
  AS 'SELECT pg_catalog.now() + by FROM set_clock.ahead';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = ${path}', current_database()); END $$;
SET search_path = ${path}`

export const setNow = async (knex: Knex, ms: number): Promise<void> => {
  await knex.raw(`UPDATE set_clock.ahead SET by = by + ? * interval '1 millisecond'`, [ms])
}

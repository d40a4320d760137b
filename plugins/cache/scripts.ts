/**
 * Lua, so that a change and its announcement are one: who hears of it finds it done, and nothing is done that
 * nobody hears of. Each takes keys of one Cluster slot only. `channel` and `message` are the last two arguments.
 */
import { createHash } from 'node:crypto'

export interface Script {
  readonly lua: string
  readonly sha: string
}

const script = (lua: string): Script => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

/** Entry. How long it has left, a space, and what stands there: a pair would cost its reader more. */
export const read = script(`
local text = redis.pcall('GET', KEYS[1])
if type(text) ~= 'string' then return text end
return redis.call('PTTL', KEYS[1]) .. ' ' .. text`)

/** Entry and lease; token, ms. What {@link read} gives, and whether the lease is ours now: no lease of ours stands for ever. */
export const acquire = script(`
local text = redis.pcall('GET', KEYS[1])
if type(text) == 'table' then redis.call('DEL', KEYS[1]) text = false end
if text then text = redis.call('PTTL', KEYS[1]) .. ' ' .. text end
local held = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
if not held and redis.call('PTTL', KEYS[2]) < 0 then
  held = redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
end
return { text, held and 1 or 0 }`)

/** Entry and lease; token, text, ms. Only if the lease is still ours: a removal takes it away. */
export const store = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1`)

/** Lease; token. */
export const release = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1`)

/** Entry and lease; text, ms. */
export const write = script(`
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1`)

/** Entry and lease. */
export const remove = script(`
local count = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return count`)

/** Entry and lease. All its time is stale time now, in the head that entry.ts writes. */
export const expire = script(`
redis.call('DEL', KEYS[2])
local text = redis.pcall('GET', KEYS[1])
if type(text) == 'string' then
  local old = string.gsub(text, '^%[2,(%d+),%d+,', '[2,%1,%1,', 1)
  redis.call('SET', KEYS[1], old, 'KEEPTTL')
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1`)

/** Tag; fresh token, seconds. The token that stands there, or the fresh one. */
export const token = script(`
local now = redis.pcall('GET', KEYS[1])
if type(now) ~= 'string' then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  return ARGV[1]
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return now`)

/** Tag; fresh token, seconds, 'hard' or 'soft'. A soft change keeps the first half of the token. */
export const turn = script(`
local token = ARGV[1]
local now = redis.pcall('GET', KEYS[1])
if ARGV[3] == 'soft' and type(now) == 'string' then
  token = string.match(now, '^[^.]*') .. '.' .. string.match(token, '[^.]*$')
end
redis.call('SET', KEYS[1], token, 'EX', ARGV[2])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return token`)

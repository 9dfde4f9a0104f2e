import * as Redis from "effect/persistence/Redis"

/**
 * What a CallStore does, as scripts: each runs whole, with nothing between its lines. In Redis there is
 *
 * - `tandem:call:ID`, a hash: `ownerEpoch`, `number`, `state`, `checkpoint`, and `claims`, a list of pairs as JSON: where
 *   each participant is, and which member of that address's set it is;
 * - `tandem:address:ADDRESS`, a sorted set: who is there, by when they joined;
 * - `tandem:kept`, a sorted set: each call by the round in which it was last saved or kept;
 * - `tandem:round`, the number of the round; `tandem:schema`, the number of this description.
 */
export const schema = 1

/** `claims` is as it is stored, but with the time of joining as a third. */
export type Claim = readonly [address: string, member: string, joinedAtMs: number]

const lines = `
local function call(id) return 'tandem:call:' .. id end
local function address(at) return 'tandem:address:' .. at end
local function round() return tonumber(redis.call('GET', 'tandem:round') or '0') end
local function leave(id)
  for _, claim in ipairs(cjson.decode(redis.call('HGET', call(id), 'claims') or '[]')) do
    redis.call('ZREM', address(claim[1]), claim[2])
  end
end
local function forget(id)
  leave(id)
  redis.call('DEL', call(id))
  redis.call('ZREM', 'tandem:kept', id)
end
local function stored(id)
  local version = redis.call('HMGET', call(id), 'ownerEpoch', 'number')
  return { version[1] or '0', version[2] or '0' }
end
local function isAt(id, ownerEpoch, number)
  local version = stored(id)
  return version[1] == ownerEpoch and version[2] == number
end
`

const script = <Parameters extends ReadonlyArray<string | number>, Result>(body: string) =>
  // Which keys a script needs is not known before it has read: this is for one server, not for a Redis Cluster.
  Redis.script((...parameters: Parameters) => parameters, {
    lua: lines + body,
    numberOfKeys: 0
  }).withReturnType<Result>()

type Version = readonly [ownerEpoch: number, number: number]
/** What is stored instead, if that is why nothing was written. */
type Stale = readonly [ownerEpoch: string, number: string] | null

export const save = script<
  readonly [id: string, ...expected: Version, ...version: Version, state: string, claims: string],
  Stale
>(`
local id, ownerEpoch, number, nextOwnerEpoch, nextNumber, state, claims = unpack(ARGV)
if not isAt(id, ownerEpoch, number) then return stored(id) end
leave(id)
redis.call('HSET', call(id), 'ownerEpoch', nextOwnerEpoch, 'number', nextNumber, 'state', state, 'claims', claims)
for _, claim in ipairs(cjson.decode(claims)) do redis.call('ZADD', address(claim[1]), claim[3], claim[2]) end
redis.call('ZADD', 'tandem:kept', round(), id)
return false`)

export const remove = script<readonly [id: string, ...expected: Version], Stale>(`
local id, ownerEpoch, number = unpack(ARGV)
if not isAt(id, ownerEpoch, number) then return stored(id) end
forget(id)
return false`)

export const checkpoint = script<readonly [id: string, base64: string], null>(`
if redis.call('EXISTS', call(ARGV[1])) == 1 then redis.call('HSET', call(ARGV[1]), 'checkpoint', ARGV[2]) end
return false`)

export const keep = script<ReadonlyArray<string>, null>(`
local now = round()
for _, id in ipairs(ARGV) do redis.call('ZADD', 'tandem:kept', 'XX', now, id) end
return false`)

/** Whether it was the round, so that it is over now. */
export const endRound = script<readonly [round: number], number>(`
if round() ~= tonumber(ARGV[1]) then return 0 end
redis.call('INCR', 'tandem:round')
return 1`)

/** How many. */
export const forgetBefore = script<readonly [round: number, atMost: number], number>(`
local outlived = redis.call('ZRANGEBYSCORE', 'tandem:kept', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(outlived) do forget(id) end
return #outlived`)

/** The number that is there, or becomes so. */
export const claimSchema = script<readonly [schema: number], string>(`
redis.call('SET', 'tandem:schema', ARGV[1], 'NX')
return redis.call('GET', 'tandem:schema')`)

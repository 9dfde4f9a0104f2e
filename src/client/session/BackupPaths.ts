import * as PackedAddress from "../../sockets/PackedAddress.ts"

/**
 * The paths to the relays that may take over. The one to the first of them is kept open and proved: a question every few
 * seconds keeps the mapping of an address translator, its answer brings a cookie with which the relay grants a session at
 * once. Who does not answer is passed over. Changed in place; reads no clock, sends nothing.
 */
export interface BackupPaths {
  /** By the key of the relay's address. */
  readonly paths: Map<number | string, BackupPath>
}

interface BackupPath {
  /** Shows that this device receives at the address that this relay, or another of its fleet, sees. */
  cookie: Uint8Array | undefined
  cookieAtMs: number
  lastAskedAtMs: number
  /** Questions since the last answer. */
  unanswered: number
  /** Until then others come first. */
  silentUntilMs: number
}

/** Below the 30 s that the mappings of common address translators live (RFC 4787 asks for two minutes). Milliseconds. */
export const askEveryMs = 5000
/** A question waits so long for its answer: the first RTO of RFC 8489 section 6.2.1. Milliseconds. */
export const answerMs = 500
/** Unanswered questions after which the next relay is the first. */
export const triesMax = 3
/** So long it comes behind those that answer. Milliseconds. */
export const passedOverMs = 30_000

export const make = (): BackupPaths => ({ paths: new Map() })

/** Best first: in the order they came, but those that have not answered last. */
export const inOrder = (
  self: BackupPaths,
  relays: ReadonlyArray<Uint32Array>,
  nowMs: number
): ReadonlyArray<Uint32Array> => {
  const isSilent = (relay: Uint32Array) => (self.paths.get(PackedAddress.key(relay))?.silentUntilMs ?? 0) > nowMs
  return [...relays.filter((relay) => !isSilent(relay)), ...relays.filter(isSilent)]
}

/** The relay that is to be asked now, if any. Paths to relays that are not named any more are forgotten. */
export const poll = (self: BackupPaths, relays: ReadonlyArray<Uint32Array>, nowMs: number): Uint32Array | undefined => {
  for (const key of self.paths.keys()) {
    if (!relays.some((relay) => PackedAddress.key(relay) === key)) self.paths.delete(key)
  }
  for (const relay of inOrder(self, relays, nowMs)) {
    const path = pathTo(self, relay)
    if (nowMs - path.lastAskedAtMs < (path.unanswered > 0 ? answerMs : askEveryMs)) return undefined
    if (path.unanswered < triesMax) {
      path.unanswered++
      path.lastAskedAtMs = nowMs
      return relay
    }
    path.unanswered = 0
    path.silentUntilMs = nowMs + passedOverMs
  }
  return undefined
}

/** The relay has answered. */
export const handleCookie = (self: BackupPaths, relay: Uint32Array, cookie: Uint8Array, nowMs: number): void => {
  const path = pathTo(self, relay)
  path.cookie = cookie
  path.cookieAtMs = nowMs
  path.unanswered = 0
  path.silentUntilMs = -Infinity
}

/** The device has another address now: what it knows is of the old one. */
export const forget = (self: BackupPaths): void => self.paths.clear()

/**
 * What to show this relay: its own cookie, else the newest of another, for most devices have one address to all of them.
 * One that is of no use costs nothing: the relay challenges, as it does whom it has never seen.
 */
export const cookieFor = (self: BackupPaths, relay: Uint32Array): Uint8Array | undefined => {
  const own = self.paths.get(PackedAddress.key(relay))?.cookie
  if (own !== undefined) return own
  const [newest] = [...self.paths.values()].sort((a, b) => b.cookieAtMs - a.cookieAtMs)
  return newest?.cookie
}

const pathTo = ({ paths }: BackupPaths, relay: Uint32Array): BackupPath => {
  const key = PackedAddress.key(relay)
  let path = paths.get(key)
  if (path === undefined) {
    path = {
      cookie: undefined,
      cookieAtMs: -Infinity,
      lastAskedAtMs: -Infinity,
      unanswered: 0,
      silentUntilMs: -Infinity
    }
    paths.set(key, path)
  }
  return path
}

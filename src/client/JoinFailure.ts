import { Schema } from "effect"
import { clockSkewSeconds } from "../access/ClockSkew.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"

/** No relay has answered, or none was named. The message says what to do. */
export class RelayUnreachable extends Schema.TaggedError<RelayUnreachable>()("RelayUnreachable", {
  message: Schema.String
}) {}

/** A relay has refused. The message says why, and what to do. */
export class JoinRefused extends Schema.TaggedError<JoinRefused>()("JoinRefused", {
  /** "203.0.113.7:3478" */
  relay: Schema.String,
  /** One of `ControlMessage.refusalCodes`, or what a newer relay says. */
  code: Schema.Int,
  /** The relay will not grant it sooner, and slows down who asks sooner, in another join too. Milliseconds. */
  retryAfterMs: Schema.UndefinedOr(Schema.Number),
  message: Schema.String
}) {}

export const unreachable = (relays: ReadonlyArray<string>): RelayUnreachable =>
  new RelayUnreachable({
    message:
      relays.length === 0
        ? "no relay is named: give the address of one, such as 203.0.113.7:3478"
        : `no answer from ${relays.join(", ")}: check the address, the network, and that UDP is not blocked`
  })

const { refusalCodes } = ControlMessage

/** Codes after which another relay may still say yes. */
export const isPassing = (code: number): boolean => code === refusalCodes.busy || code === refusalCodes.tryAlternate

export const refused = (relay: string, refusal: ControlMessage.Refused, localTimeMs: number): JoinRefused => {
  const { error, relayTimeMs, retryAfterMs } = refusal
  const aboutTime = error.code === refusalCodes.tokenExpired || error.code === refusalCodes.notAuthentic
  const clock = aboutTime && relayTimeMs !== undefined ? clockText(localTimeMs - relayTimeMs) : ""
  return new JoinRefused({
    relay,
    code: error.code,
    retryAfterMs,
    message: `${relay} refused: ${whatToDo(error, retryAfterMs)}${clock}`
  })
}

const whatToDo = ({ code, reason }: ControlMessage.Refused["error"], retryAfterMs: number | undefined): string => {
  switch (code) {
    case refusalCodes.tryAlternate:
      return "another relay with less to do was to take it, and did not; try again"
    case refusalCodes.malformed:
      return "it cannot read the request; use the same version of client and relay"
    case refusalCodes.notAuthentic:
      return "the token is not of this relay's fleet; get a new token, and check the address of the relay"
    case refusalCodes.forbidden:
      return "the token does not admit to this; get one for this call"
    case refusalCodes.ssrcTaken:
      return "another participant sends with the same SSRC; join again without choosing SSRCs"
    case refusalCodes.tokenExpired:
      return "the token has expired; get a new one"
    case refusalCodes.ticketInvalid:
      return "the session cannot be resumed; join again"
    case refusalCodes.unknownCall:
      return "it does not know the call any more; join again"
    case refusalCodes.callFull:
      return "the call is full; wait until somebody leaves"
    case refusalCodes.busy:
      return `it is busy; try again ${retryAfterMs === undefined ? "later" : `in ${duration(retryAfterMs)}`}`
    default:
      return `${oneLine(reason)} (code ${code})`
  }
}

/** Clocks that differ are the usual reason for tokens that seem to have expired, and nobody thinks of it. */
const clockText = (aheadMs: number): string => {
  if (Math.abs(aheadMs) <= clockSkewSeconds * 1000) return ""
  const direction = aheadMs > 0 ? "ahead of" : "behind"
  return `. The clock of this device is ${duration(Math.abs(aheadMs))} ${direction} the relay's; set the wrong one`
}

const units = [
  { ms: 86_400_000, name: "day" },
  { ms: 3_600_000, name: "hour" },
  { ms: 60_000, name: "minute" },
  { ms: 1000, name: "second" }
]

const duration = (ms: number): string => {
  const unit = units.find((unit) => ms >= unit.ms) ?? { ms: 1000, name: "second" }
  const count = Math.max(1, Math.round(ms / unit.ms))
  return `${count} ${unit.name}${count === 1 ? "" : "s"}`
}

/** What others write may have line breaks and worse. */
const oneLine = (text: string): string => text.replace(/\p{C}+/gu, " ").trim()

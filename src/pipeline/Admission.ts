import { Result } from "effect"
import * as AddressCookie from "../access/AddressCookie.ts"
import * as CallToken from "../access/CallToken.ts"
import * as KeyRing from "../access/KeyRing.ts"
import * as MessageIntegrity from "../access/MessageIntegrity.ts"
import * as Ticket from "../access/Ticket.ts"
import * as ControlMessage from "../protocol/ControlMessage.ts"
import type * as Stun from "../protocol/Stun.ts"
import * as TokenClaims from "../protocol/TokenClaims.ts"
import type { Priority } from "../throttle/Priority.ts"
import type { ControlDatagram } from "./ControlInbox.ts"

/** Who stands behind a join or a resume, proved. */
export interface Admitted {
  readonly claims: TokenClaims.TokenClaims
  readonly claimsBytes: Uint8Array
  /** Signs both sides' messages. */
  readonly key: Uint8Array
}

/** Why it is not proved. `code` goes to the device, which can be told: its address is. */
export interface NotAdmitted {
  readonly code: number
  readonly reason: string
  /** Of a participant who is known, and may not come in all the same: the refusal is signed with it. */
  readonly key?: Uint8Array
}

const notAdmitted = (code: number, reason: string): Result.Result<never, NotAdmitted> => Result.fail({ code, reason })
const { refusalCodes } = ControlMessage

/** Whether the request carries a cookie that was made for the address it comes from, and not before `sinceSeconds`. */
export const isAddressProved = (
  ring: KeyRing.KeyRing,
  cookie: Uint8Array | undefined,
  datagram: ControlDatagram,
  nowSeconds: number,
  sinceSeconds = 0
): boolean =>
  cookie !== undefined &&
  AddressCookie.check(ring, cookie, datagram.address, nowSeconds) &&
  AddressCookie.madeAtSeconds(cookie) >= sinceSeconds

/** The token's claims are believed when the message is signed with the key that belongs to them. */
export const checkJoin = (
  ring: KeyRing.KeyRing,
  request: ControlMessage.JoinRequest,
  datagram: ControlDatagram,
  integrity: Stun.IntegrityLocation,
  nowSeconds: number
): Result.Result<Admitted, NotAdmitted> => {
  const claims = TokenClaims.decode(request.token)
  if (Result.isFailure(claims)) return notAdmitted(refusalCodes.malformed, "the token cannot be read")
  const proved = prove(ring, request.token, claims.success, datagram, integrity)
  if (Result.isFailure(proved)) return proved
  if (Result.isSuccess(CallToken.checkClaims(claims.success, nowSeconds))) return proved
  return Result.fail({
    code: refusalCodes.tokenExpired,
    reason: "the token has expired",
    key: proved.success.key
  })
}

/** The ticket is opened with the fleet's key; the message must be signed by the participant it was given to. */
export const checkResume = (
  ring: KeyRing.KeyRing,
  request: ControlMessage.ResumeRequest,
  datagram: ControlDatagram,
  integrity: Stun.IntegrityLocation,
  nowSeconds: number
): Result.Result<Admitted & { readonly epoch: number }, NotAdmitted> => {
  const opened = Ticket.open(ring, request.ticket, nowSeconds)
  if (Result.isFailure(opened)) return notAdmitted(refusalCodes.ticketInvalid, "the ticket is not valid here")
  const { claims, claimsBytes, epoch } = opened.success
  const proved = prove(ring, claimsBytes, claims, datagram, integrity)
  // Somebody else's ticket, or one of a key that was taken out since: whoever holds it has to join with a token.
  if (Result.isFailure(proved)) return notAdmitted(refusalCodes.ticketInvalid, "the ticket is not the sender's")
  return Result.succeed({ ...proved.success, epoch })
}

const prove = (
  ring: KeyRing.KeyRing,
  claimsBytes: Uint8Array,
  claims: TokenClaims.TokenClaims,
  datagram: ControlDatagram,
  integrity: Stun.IntegrityLocation
): Result.Result<Admitted, NotAdmitted> => {
  const key = KeyRing.participantKey(ring, claimsBytes, claims.keyId)
  if (Result.isFailure(key)) return notAdmitted(refusalCodes.notAuthentic, "the token's key is not known here")
  return MessageIntegrity.verify(datagram.bytes, integrity, key.success)
    ? Result.succeed({ claims, claimsBytes, key: key.success })
    : notAdmitted(refusalCodes.notAuthentic, "the token's key does not fit the token")
}

export const isOfTwo = (callClass: TokenClaims.TokenClaims["callClass"]): boolean =>
  callClass === "one-to-one-audio" || callClass === "one-to-one-video"

/** What the throttle is asked for when somebody joins. */
export const joinPriority = (callClass: TokenClaims.TokenClaims["callClass"], isCallHere: boolean): Priority => {
  switch (callClass) {
    case "one-to-one-audio":
      return "new-one-to-one-audio"
    case "one-to-one-video":
      return "new-one-to-one-video"
    case "group-audio":
      return isCallHere ? "group-join" : "new-group-audio"
    case "group-video":
      return isCallHere ? "group-join" : "new-group-video"
  }
}

import { Equal } from "effect"
import * as ReplayWindow from "../access/ReplayWindow.ts"
import type { LegAge } from "../call/LegAge.ts"
import * as Subscription from "../call/Subscription.ts"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import type { TokenClaims } from "../protocol/TokenClaims.ts"
import * as DeviceNews from "./DeviceNews.ts"
import type * as RelayLeg from "./RelayLeg.ts"

/** What a session's token says of whom it is for. */
export type Credentials = Pick<TokenClaims, "keyId" | "callClass">

/** A participant that this relay serves: its leg, and what its control messages are checked with. */
export interface Session extends LegAge {
  readonly call: CallId
  readonly participant: ParticipantId
  readonly leg: RelayLeg.DeviceLeg
  readonly credentials: Credentials
  /** Signs the control messages of both sides. 32 bytes. */
  readonly key: Uint8Array
  readonly replay: ReplayWindow.ReplayWindow
  readonly news: DeviceNews.DeviceNews
  /**
   * Of a restored session, which does not know what its device has said before: what was captured then has an older cookie,
   * or none. -Infinity for the others. Monotonic, since the clock that is in cookies may be set. Milliseconds.
   */
  readonly restoredAtMs: number
  /** Counter of the last directive to the device. */
  lastDirective: number
  lastControlAtMs: number
  /** The newest that the device has told. `undefined`: nothing in this session, so what it has told before still holds. */
  subscription: Subscription.Subscription | undefined
  /** What the device was last told of its video that nobody wants; `undefined`: nothing. */
  videoTold: { readonly said: string; readonly version: number } | undefined
}

/** More directives than one relay sends. */
const directivesMax = 2 ** 32

export const make = (
  leg: RelayLeg.DeviceLeg,
  { epoch, restores }: LegAge,
  { callClass, keyId }: Credentials,
  key: Uint8Array,
  /** What made the session: a join or resume with this counter, or nothing that its device has done. */
  origin: { readonly counter: number } | "restored",
  nowMs: number
): Session => {
  const replay = ReplayWindow.make()
  if (origin !== "restored") ReplayWindow.accept(replay, origin.counter)
  // As a key it is itself: whoever compared sessions by what is in them would go through all legs and streams of the call.
  return Equal.byReferenceUnsafe({
    call: leg.call,
    participant: leg.participant,
    leg,
    epoch,
    restores,
    credentials: { callClass, keyId },
    key,
    replay,
    news: DeviceNews.make(),
    restoredAtMs: origin === "restored" ? nowMs : -Infinity,
    // The device has seen the counters of the relays before.
    lastDirective: restores * directivesMax,
    lastControlAtMs: nowMs,
    subscription: undefined,
    videoTold: undefined
  })
}

/** Takes in what the device wants to see; answers with what counts now. What is not newer changes nothing. */
export const handleSubscription = (self: Session, said: Subscription.Subscription): Subscription.Subscription => {
  self.subscription = self.subscription === undefined ? said : Subscription.newer(self.subscription, said)
  return self.subscription
}

/** Whether the device has said anything in this session that nobody can have said again. */
export const isProved = ({ replay }: Session): boolean => replay.highest >= 0

/** When the device was last heard: any frame with the right tag, any message with the right integrity. */
export const lastHeardAtMs = (self: Session): number =>
  Math.max(self.lastControlAtMs, self.leg.hop.receive.lastFrameAtMs)

import * as Attribute from "./ControlAttribute.ts"
import { type MessageLayout, optional, repeated, required } from "./MessageLayout.ts"
import * as Roster from "./RosterAttribute.ts"
import type { MessageClass } from "./Stun.ts"
import * as Subscription from "./SubscriptionAttribute.ts"
import { videoAllocation } from "./VideoAttribute.ts"

/** Binding is RFC 8489's own; ours are from the range that IANA gives out by expert review. */
export const methods = {
  Binding: 0x001,
  Join: 0x0a0,
  Resume: 0x0a1,
  Ping: 0x0a2,
  Leave: 0x0a3,
  Subscribe: 0x0a4,
  Directive: 0x0a6,
  Trunk: 0x0a7,
  Relocate: 0x0a8
} as const
export type MethodName = keyof typeof methods

/** No control datagram is longer: it fits the smallest MTU of IPv6, and tunnels on the way. Bytes. */
export const datagramBytesMax = 1200
/** Other relays that one message may name. */
export const relaysMax = 8
/** More do not fit: an entry takes at least 8 bytes. */
const rosterEntriesMax = datagramBytesMax / 8

interface MessageKind {
  readonly class: MessageClass
  /** `undefined`: the message says it, because it answers any method. */
  readonly method: MethodName | undefined
  readonly layout: MessageLayout
}

const sessionGranted = {
  /** Kept by the device: what it resumes with, at any relay. */
  ticket: required(Attribute.ticket),
  /** What the device puts into its frames to this relay. */
  legTag: required(Attribute.legTag),
  /** Of the session: goes into the hop headers of both sides from now on. */
  epoch: required(Attribute.epoch),
  /** Where the relay saw the request come from. */
  mappedAddress: required(Attribute.mappedAddress),
  /** Where to resume when this relay is gone, the best first. */
  relays: repeated(Attribute.relay, relaysMax),
  relayTimeMs: required(Attribute.relayTimeMs)
}

/** Every kind of message by its tag. Of several with one class and method, the first that has all it requires counts. */
export const messageKinds = {
  BindingRequest: { class: "request", method: "Binding", layout: {} },
  BindingSuccess: {
    class: "success",
    method: "Binding",
    layout: { mappedAddress: required(Attribute.mappedAddress) }
  },

  JoinRequest: {
    class: "request",
    method: "Join",
    layout: {
      /** Bytes of TokenClaims. */
      token: required(Attribute.token),
      /** From the challenge before. */
      cookie: optional(Attribute.cookie),
      counter: required(Attribute.counter),
      /** What the relay puts into its frames to this device. */
      legTag: required(Attribute.legTag),
      streams: repeated(Roster.stream, Roster.streamsMax),
      software: optional(Attribute.software),
      /** Another relay has sent the device here: this one is not to send it on. */
      placed: optional(Attribute.placed)
    }
  },
  JoinSuccess: { class: "success", method: "Join", layout: sessionGranted },

  ResumeRequest: {
    class: "request",
    method: "Resume",
    layout: {
      ticket: required(Attribute.ticket),
      cookie: optional(Attribute.cookie),
      counter: required(Attribute.counter),
      legTag: required(Attribute.legTag),
      /** The device's last. */
      epoch: required(Attribute.epoch)
    }
  },
  ResumeSuccess: { class: "success", method: "Resume", layout: sessionGranted },

  PingRequest: {
    class: "request",
    method: "Ping",
    layout: {
      /** The relay's: finds the session, whatever address this comes from. Without one it only asks for a cookie. */
      legTag: optional(Attribute.legTag),
      counter: required(Attribute.counter),
      cookie: optional(Attribute.cookie)
    }
  },
  PingSuccess: {
    class: "success",
    method: "Ping",
    layout: {
      mappedAddress: required(Attribute.mappedAddress),
      /** Where to resume when this relay is gone, as of now; none: what was said before still holds. */
      relays: repeated(Attribute.relay, relaysMax),
      /** That the relay has: none before the device has subscribed in this session. */
      subscriptionVersion: optional(Subscription.subscriptionVersion)
    }
  },

  /** What the device wants to see. */
  SubscribeRequest: {
    class: "request",
    method: "Subscribe",
    layout: {
      /** The relay's. */
      legTag: required(Attribute.legTag),
      counter: required(Attribute.counter),
      /** From the challenge before. */
      cookie: optional(Attribute.cookie),
      subscription: required(Subscription.subscription)
    }
  },
  SubscribeSuccess: {
    class: "success",
    method: "Subscribe",
    layout: {
      /** That the relay has now: the request's, or a newer one. */
      subscriptionVersion: required(Subscription.subscriptionVersion)
    }
  },

  LeaveRequest: {
    class: "request",
    method: "Leave",
    layout: { legTag: required(Attribute.legTag), counter: required(Attribute.counter) }
  },
  LeaveSuccess: { class: "success", method: "Leave", layout: {} },

  /** From the relay: who is in the call. */
  RosterDirective: {
    class: "request",
    method: "Directive",
    layout: {
      /** The device's: names the session, so that a directive of an earlier one cannot be replayed. */
      legTag: required(Attribute.legTag),
      counter: required(Attribute.counter),
      page: required(Roster.rosterPage),
      entries: repeated(Roster.rosterEntry, rosterEntriesMax)
    }
  },
  /** From the relay: it is about to stop. */
  GoingAwayDirective: {
    class: "request",
    method: "Directive",
    layout: {
      /** The device's, as of a roster. */
      legTag: required(Attribute.legTag),
      counter: required(Attribute.counter),
      inMs: required(Attribute.goingAwayInMs),
      /** Where to go, the best first. */
      relays: repeated(Attribute.relay, relaysMax)
    }
  },
  /** From the relay: where to go when it is gone, since that has changed. */
  RelaysDirective: {
    class: "request",
    method: "Directive",
    layout: {
      /** The device's, as of a roster. */
      legTag: required(Attribute.legTag),
      counter: required(Attribute.counter),
      relayTimeMs: required(Attribute.relayTimeMs),
      /** The best first; they replace those that were named before. */
      relays: repeated(Attribute.relay, relaysMax)
    }
  },
  /** From the relay: which video is wanted of the device. */
  VideoDirective: {
    class: "request",
    method: "Directive",
    layout: {
      /** The device's, as of a roster. */
      legTag: required(Attribute.legTag),
      counter: required(Attribute.counter),
      allocation: required(videoAllocation)
    }
  },
  /** From the relay: what it and the device go without for now, because it is busy. */
  ExtrasDirective: {
    class: "request",
    method: "Directive",
    layout: {
      /** The device's, as of a roster. */
      legTag: required(Attribute.legTag),
      /** The highest counts: of two of these the device obeys the one that was said last. */
      counter: required(Attribute.counter),
      /** It replaces what was said before. */
      withheld: required(Attribute.withheldExtras)
    }
  },
  /** From the device, with the directive's counter. */
  DirectiveSuccess: { class: "success", method: "Directive", layout: { counter: required(Attribute.counter) } },

  /** From relay to relay: prove that you are of the fleet and receive at this address. Both sides ask. */
  TrunkRequest: {
    class: "request",
    method: "Trunk",
    layout: {
      keyId: required(Attribute.keyId),
      /** Who asks. */
      relay: required(Attribute.relayId),
      /** Who is asked. */
      target: required(Attribute.targetRelayId),
      incarnation: required(Attribute.incarnation),
      nonce: required(Attribute.nonce),
      /** For frames that belong to the trunk and to no call. */
      legTag: required(Attribute.legTag)
    }
  },
  TrunkSuccess: {
    class: "success",
    method: "Trunk",
    layout: {
      /** Who was asked. */
      relay: required(Attribute.relayId),
      incarnation: required(Attribute.incarnation),
      /** The request's. */
      nonce: required(Attribute.nonce),
      legTag: required(Attribute.legTag)
    }
  },
  /** From relay to relay: this participant has come to me, the call's actor has not confirmed it yet. */
  RelocateRequest: {
    class: "request",
    method: "Relocate",
    layout: {
      keyId: required(Attribute.keyId),
      /** Who says it. */
      relay: required(Attribute.relayId),
      call: required(Attribute.callId),
      participant: required(Attribute.participantId),
      epoch: required(Attribute.legEpoch),
      restores: required(Attribute.legRestores),
      /** The sender's for the call. */
      legTag: required(Attribute.legTag)
    }
  },
  RelocateSuccess: { class: "success", method: "Relocate", layout: {} },

  /** The relay wants to see that the sender is where it says: the same again, with this cookie. */
  Challenge: {
    class: "error",
    method: undefined,
    layout: { error: required(Attribute.errorCode), cookie: required(Attribute.cookie) }
  },
  Refused: {
    class: "error",
    method: undefined,
    layout: {
      error: required(Attribute.errorCode),
      retryAfterMs: optional(Attribute.retryAfterMs),
      relayTimeMs: optional(Attribute.relayTimeMs),
      /** Who may grant it instead, the best first. */
      relays: repeated(Attribute.relay, relaysMax)
    }
  }
} as const satisfies Record<string, MessageKind>

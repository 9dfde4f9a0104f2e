/**
 * Writes control-messages.json: one call from the first datagram to the last, in messages of every kind, for those who
 * write a client in another language. Run it when the wire format has changed on purpose, with
 *
 *     node test/vectors/write-control-vectors.ts
 *
 * and read the difference: test/protocol/ControlMessage.test.ts fails until the file and the code agree.
 */
import * as Fs from "node:fs"
import * as Prettier from "prettier"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as TokenClaims from "../../src/protocol/TokenClaims.ts"
import {
  bytesOf,
  type ControlVector,
  type ControlVectors,
  credentialOf,
  datagramOf,
  hexOf,
  participantKeyOf,
  trunkKeyOf,
  type VectorMessage
} from "../protocol/ControlVectors.ts"

const claims: TokenClaims.TokenClaims = {
  keyId: "2031-05",
  callClass: "group-video",
  call: CallId.make("standup"),
  participant: ParticipantId.make("zoë"),
  expiresAtSeconds: 1_936_000_000
}
const fleetSecret = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
const token = hexOf(TokenClaims.encode(claims))
const trunkKey = trunkKeyOf(bytesOf(fleetSecret))
const participantKey = participantKeyOf(bytesOf(fleetSecret), bytesOf(token))

const opus = { ssrc: 0x11223344, kind: "audio", clockRate: 48_000, codec: "opus" }
const vp8 = { ssrc: 0xfedcba98, kind: "video", clockRate: 90_000, codec: "vp8" }
/** The same picture in two sizes. */
const layers = [
  { ...vp8, simulcast: { source: 4, layer: 0, heightPixels: 180, maxKbps: 150 } },
  { ...vp8, ssrc: 0xfedcba99, simulcast: { source: 4, layer: 1, heightPixels: 360, maxKbps: 600, minKbps: 250 } }
]
const relays = ["203.0.113.11:3478", "[2001:db8::b]:3478"]
const cookie = "73650018f722fa53a2943dbd"
const ticket = "7469636b6574206f662074686520666c656574"
const deviceTag = 0xdec1ce01
const relayTag = 0x4e1a0001
const relayTimeMs = 1_935_999_000_123

/** Every exchange has its transaction id: a request's number in all its bytes. */
const transaction = (number: number) => ({ transactionId: number.toString(16).padStart(2, "0").repeat(12) })

const join = { token, legTag: deviceTag, streams: [opus, vp8], software: "tandem vectors" }
const cookieNeeded = { error: { code: 438, reason: "Cookie needed" }, cookie }

type Case = readonly [name: string, ending: ControlVector["ending"], message: VectorMessage]
const cases: ReadonlyArray<Case> = [
  ["binding request", "nothing", { _tag: "BindingRequest", ...transaction(1) }],
  [
    "binding success, IPv4",
    "fingerprint",
    { _tag: "BindingSuccess", ...transaction(1), mappedAddress: "198.51.100.20:40404" }
  ],
  [
    "binding success, IPv6",
    "fingerprint",
    { _tag: "BindingSuccess", ...transaction(2), mappedAddress: "[2001:db8:1:2:3:4:5:6]:40404" }
  ],
  ["join", "integrity", { _tag: "JoinRequest", ...transaction(3), counter: 1, ...join }],
  ["join challenged", "fingerprint", { _tag: "Challenge", ...transaction(3), method: "Join", ...cookieNeeded }],
  ["join with the cookie", "integrity", { _tag: "JoinRequest", ...transaction(4), counter: 2, cookie, ...join }],
  [
    "join sent to another relay",
    "integrity",
    {
      _tag: "Refused",
      ...transaction(4),
      method: "Join",
      error: { code: 300, reason: "Another relay has less to do" },
      relayTimeMs,
      relays: relays.slice(0, 1)
    }
  ],
  ["join there", "integrity", { _tag: "JoinRequest", ...transaction(16), counter: 9, cookie, ...join, placed: true }],
  [
    "join granted",
    "integrity",
    {
      _tag: "JoinSuccess",
      ...transaction(4),
      ticket,
      legTag: relayTag,
      epoch: 1,
      mappedAddress: "198.51.100.20:40404",
      relays,
      relayTimeMs
    }
  ],
  [
    "roster",
    "integrity",
    {
      _tag: "RosterDirective",
      ...transaction(5),
      legTag: deviceTag,
      counter: 1,
      page: { version: 7, page: 0, pages: 1 },
      entries: [
        { participant: "zoë", streams: [opus, vp8] },
        { participant: "listener", streams: [] }
      ]
    }
  ],
  ["roster received", "integrity", { _tag: "DirectiveSuccess", ...transaction(5), counter: 1 }],
  ["ping", "integrity", { _tag: "PingRequest", ...transaction(6), legTag: relayTag, counter: 3 }],
  [
    "ping answered",
    "integrity",
    { _tag: "PingSuccess", ...transaction(6), mappedAddress: "198.51.100.20:40404", relays }
  ],
  ["ping from a new address", "integrity", { _tag: "PingRequest", ...transaction(7), legTag: relayTag, counter: 4 }],
  ["ping challenged", "fingerprint", { _tag: "Challenge", ...transaction(7), method: "Ping", ...cookieNeeded }],
  [
    "ping with the cookie",
    "integrity",
    { _tag: "PingRequest", ...transaction(8), legTag: relayTag, counter: 5, cookie }
  ],
  [
    "ping answered at the new address",
    "integrity",
    { _tag: "PingSuccess", ...transaction(8), mappedAddress: "[2001:db8:1:2:3:4:5:6]:50505", relays: [] }
  ],
  ["ping of no session", "integrity", { _tag: "PingRequest", ...transaction(14), counter: 6 }],
  [
    "ping of no session challenged",
    "fingerprint",
    { _tag: "Challenge", ...transaction(14), method: "Ping", ...cookieNeeded }
  ],
  [
    "going away",
    "integrity",
    { _tag: "GoingAwayDirective", ...transaction(9), legTag: deviceTag, counter: 2, inMs: 30_000, relays }
  ],
  [
    "other relays",
    "integrity",
    { _tag: "RelaysDirective", ...transaction(19), legTag: deviceTag, counter: 3, relayTimeMs, relays }
  ],
  [
    "video to send",
    "integrity",
    {
      _tag: "VideoDirective",
      ...transaction(23),
      legTag: deviceTag,
      counter: 4,
      allocation: {
        version: 12,
        streams: [
          { ssrc: vp8.ssrc, rateBps: 1_200_000 },
          { ssrc: 0xfedcba99, rateBps: 0 }
        ]
      }
    }
  ],
  ["video to send received", "integrity", { _tag: "DirectiveSuccess", ...transaction(23), counter: 4 }],
  [
    "what a busy relay and the device go without",
    "integrity",
    {
      _tag: "ExtrasDirective",
      ...transaction(24),
      legTag: deviceTag,
      counter: 5,
      withheld: ["fec", "duplication", "group-video"]
    }
  ],
  ["what to go without received", "integrity", { _tag: "DirectiveSuccess", ...transaction(24), counter: 5 }],
  ["other relays received", "integrity", { _tag: "DirectiveSuccess", ...transaction(19), counter: 3 }],
  ["going away received", "integrity", { _tag: "DirectiveSuccess", ...transaction(9), counter: 2 }],
  [
    "resume at another relay",
    "integrity",
    { _tag: "ResumeRequest", ...transaction(10), ticket, cookie, counter: 7, legTag: deviceTag + 1, epoch: 1 }
  ],
  [
    "resume granted",
    "integrity",
    {
      _tag: "ResumeSuccess",
      ...transaction(10),
      ticket,
      legTag: relayTag + 1,
      epoch: 2,
      mappedAddress: "[2001:db8:1:2:3:4:5:6]:50505",
      relays: [],
      relayTimeMs
    }
  ],
  [
    "subscribe: zoë's video on the stage, somebody else's off the screen",
    "integrity",
    {
      _tag: "SubscribeRequest",
      ...transaction(20),
      legTag: relayTag + 1,
      counter: 8,
      subscription: {
        version: 1,
        wanted: [
          { ssrc: vp8.ssrc, place: "on-stage", heightPx: 720 },
          { ssrc: 0x55667788, place: "off-screen", heightPx: 0 }
        ]
      }
    }
  ],
  ["subscribed", "integrity", { _tag: "SubscribeSuccess", ...transaction(20), subscriptionVersion: 1 }],
  [
    "subscribe to everything",
    "integrity",
    {
      _tag: "SubscribeRequest",
      ...transaction(21),
      legTag: relayTag + 1,
      counter: 9,
      cookie,
      subscription: { version: 2, wanted: "everything" }
    }
  ],
  ["subscribed to everything", "integrity", { _tag: "SubscribeSuccess", ...transaction(21), subscriptionVersion: 2 }],
  ["ping of who has subscribed", "integrity", { _tag: "PingRequest", ...transaction(22), legTag: relayTag + 1, counter: 10 }],
  [
    "ping answered with the version that the relay has",
    "integrity",
    {
      _tag: "PingSuccess",
      ...transaction(22),
      mappedAddress: "[2001:db8:1:2:3:4:5:6]:50505",
      relays: [],
      subscriptionVersion: 2
    }
  ],
  ["leave", "integrity", { _tag: "LeaveRequest", ...transaction(11), legTag: relayTag + 1, counter: 11 }],
  ["leave granted", "integrity", { _tag: "LeaveSuccess", ...transaction(11) }],
  [
    "join refused without a key",
    "fingerprint",
    {
      _tag: "Refused",
      ...transaction(12),
      method: "Join",
      error: { code: 401, reason: "Not authentic" },
      relays: []
    }
  ],
  [
    "join refused while busy",
    "integrity",
    {
      _tag: "Refused",
      ...transaction(13),
      method: "Join",
      error: { code: 503, reason: "Too busy for new group calls: try again in 5 seconds" },
      retryAfterMs: 5_000,
      relayTimeMs,
      relays
    }
  ],
  [
    "a relay asks another for a proof",
    "trunk",
    {
      _tag: "TrunkRequest",
      ...transaction(14),
      keyId: "2031-05",
      relay: "fra-1",
      target: "fra-2",
      incarnation: 0x1a2b3c4d,
      nonce: "0e".repeat(16),
      legTag: 0x72756e6b
    }
  ],
  [
    "the other proves itself",
    "trunk",
    {
      _tag: "TrunkSuccess",
      ...transaction(14),
      relay: "fra-2",
      incarnation: 0x5e6f7081,
      nonce: "0e".repeat(16),
      legTag: 0x6b6e7572
    }
  ],
  [
    "a participant has come to another relay",
    "trunk",
    {
      _tag: "RelocateRequest",
      ...transaction(15),
      keyId: "2031-05",
      relay: "fra-2",
      call: "standup",
      participant: "zoë",
      epoch: 1_800_000_001,
      restores: 3,
      legTag: 0x63616c6c
    }
  ],
  ["the relay has understood", "trunk", { _tag: "RelocateSuccess", ...transaction(15) }],
  [
    "join with simulcast",
    "integrity",
    { _tag: "JoinRequest", ...transaction(17), counter: 10, cookie, ...join, streams: [opus, ...layers] }
  ],
  [
    "roster with simulcast",
    "integrity",
    {
      _tag: "RosterDirective",
      ...transaction(18),
      legTag: deviceTag,
      counter: 4,
      page: { version: 8, page: 0, pages: 1 },
      entries: [{ participant: "zoë", streams: [opus, ...layers] }]
    }
  ]
]

const vectors: ControlVectors = {
  about:
    "Control messages of docs/protocol.md, in the order of a call. Bytes are hexadecimal. Messages whose ending is " +
    "integrity are signed with participantKey, those whose ending is trunk with trunkKey. Cookies and tickets are opaque to a client; these open nothing.",
  token: {
    claims,
    bytes: token,
    fleetSecret,
    participantKey: hexOf(participantKey),
    trunkKey: hexOf(trunkKey),
    credential: credentialOf(bytesOf(token), participantKey)
  },
  messages: cases.map(([name, ending, message]) => ({
    name,
    ending,
    message,
    bytes: hexOf(datagramOf({ message, ending }, { participantKey, trunkKey }))
  }))
}

const file = new URL("control-messages.json", import.meta.url)
const style = await Prettier.resolveConfig(file)
Fs.writeFileSync(file, await Prettier.format(JSON.stringify(vectors, null, 2), { ...style, filepath: file.pathname }))

import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import * as Attribute from "../../src/protocol/ControlAttribute.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import { ParticipantId } from "../../src/protocol/Ids.ts"
import { datagramBytesMax, messageKinds, relaysMax } from "../../src/protocol/MessageKinds.ts"
import type { MessageLayout } from "../../src/protocol/MessageLayout.ts"
import * as Roster from "../../src/protocol/RosterAttribute.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as Subscription from "../../src/protocol/SubscriptionAttribute.ts"
import * as TokenClaims from "../../src/protocol/TokenClaims.ts"
import { bytes, finish, messages, messageTags } from "./ArbitraryMessages.ts"
import { bytesOf } from "./ControlVectors.ts"

const key = new TextEncoder().encode("0123456789abcdef0123456789abcdef")
const transactionId = Uint8Array.from({ length: 12 }, (_, at) => at)

const decode = (datagram: Uint8Array) => Result.getOrThrow(ControlMessage.decode(datagram))
const reasonOf = (datagram: Uint8Array): string | undefined =>
  Result.match(ControlMessage.decode(datagram), {
    onFailure: ({ layer, reason }) => `${layer} ${reason}`,
    onSuccess: () => undefined
  })

const append = (message: Uint8Array, type: number, length: number): Uint8Array =>
  Stun.appendAttribute(message, type, new Uint8Array(length))

const ping: ControlMessage.PingRequest = { _tag: "PingRequest", transactionId, legTag: 0xcafef00d, counter: 42 }
const stream = new StreamDescription({ ssrc: 1, kind: "audio", clockRate: 48_000, codec: "opus" })
const roster: ControlMessage.RosterDirective = {
  _tag: "RosterDirective",
  transactionId,
  legTag: 1,
  counter: 1,
  page: { version: 1, page: 0, pages: 1 },
  entries: [{ participant: ParticipantId.make("a"), streams: [stream] }]
}

describe("every kind of message", () => {
  for (const tag of messageTags) {
    it.prop(
      `${tag}: what is written is read`,
      [messages(tag)],
      ([message]) => {
        const datagram = finish(ControlMessage.encode(message), key)
        const { message: read, integrity } = decode(datagram)
        assert.deepStrictEqual(read, message)
        assert.deepStrictEqual(integrity, Result.getOrThrow(Stun.decode(datagram)).integritySha256)
        assert.strictEqual(integrity?.valueLength, 32)
      },
      { arbitrary: { size: 40 } }
    )

    it.prop(`${tag}: no part of it is a message`, [messages(tag)], ([message]) => {
      const datagram = finish(ControlMessage.encode(message), key)
      for (let end = 0; end < datagram.length; end++) assert.isDefined(reasonOf(datagram.subarray(0, end)), `${end}`)
    })

    // A Binding may go without FINGERPRINT, so one with a hidden FINGERPRINT is one still.
    if (tag === "BindingRequest" || tag === "BindingSuccess") continue
    it.prop(
      `${tag}: every flipped bit is noticed`,
      [Arbitrary.filter(messages(tag), (message) => !("method" in message && message.method === "Binding"))],
      ([message]) => {
        const datagram = finish(ControlMessage.encode(message), key)
        for (let bit = 0; bit < datagram.length * 8; bit++) {
          datagram[bit >> 3]! ^= 1 << (bit & 7)
          assert.isDefined(reasonOf(datagram), `bit ${bit}`)
          datagram[bit >> 3]! ^= 1 << (bit & 7)
        }
        assert.isUndefined(reasonOf(datagram))
      },
      { arbitrary: { runs: 20 } }
    )
  }
})

describe("hostile bytes", () => {
  const layouts: ReadonlyArray<MessageLayout> = Object.values(messageKinds).map(({ layout }) => layout)
  const attributes = new Set(layouts.flatMap((layout) => Object.values(layout).map(({ attribute }) => attribute)))

  it.prop(
    "arbitrary attributes under a right FINGERPRINT never throw",
    [messages("JoinRequest"), bytes(0, 80)],
    (all) => {
      const [message, noise] = all
      const unsigned = ControlMessage.encode(message)
      ControlMessage.decode(noise)
      for (let at = 0; at < noise.length; at++) unsigned[20 + ((at * 7) % (unsigned.length - 20))] = noise[at]!
      ControlMessage.decode(finish(unsigned, key))
    }
  )

  it.prop("arbitrary values never throw, and what is read of them can be written", [bytes(0, 60)], ([value]) => {
    for (const attribute of attributes) {
      const read = attribute.decode(value, transactionId)
      if (read === undefined) continue
      const again = attribute.decode(attribute.encode(read, transactionId), transactionId)
      assert.deepStrictEqual(again, read, `0x${attribute.type.toString(16)}`)
    }
  })
})

describe("Binding", () => {
  const request = Stun.encodeHeader({ class: "request", method: 0x001, transactionId })

  it("a header alone is a request, and what the standard knows is passed over", () => {
    const expected: ControlMessage.Decoded = {
      message: { _tag: "BindingRequest", transactionId },
      integrity: undefined
    }
    assert.deepStrictEqual(decode(request), expected)
    const standard = [0x0001, 0x0006, 0x0008, 0x000a, 0x0014, 0x0015, 0x001d, 0x001e, 0x8022, 0x8029]
    for (const type of standard) {
      const length = type === Stun.integritySha1Type ? 20 : 3
      assert.deepStrictEqual(decode(Stun.appendAttribute(request, type, new Uint8Array(length))), expected)
    }
  })

  it("an attribute that has to be understood and is not makes it malformed", () => {
    // PRIORITY, RFC 8445: an ICE connectivity check is not for us.
    assert.strictEqual(reasonOf(Stun.appendAttribute(request, 0x0024, new Uint8Array(4))), "Control UnknownAttribute")
  })
})

describe("what is not a message of ours", () => {
  const unsigned = ControlMessage.encode(ping)
  const without = (type: number): Uint8Array =>
    Result.getOrThrow(Stun.decode(unsigned))
      .attributes.filter((attribute) => attribute.type !== type)
      .reduce(
        (soFar, { type, offset, length }) =>
          Stun.appendAttribute(soFar, type, unsigned.subarray(offset, offset + length)),
        Stun.encodeHeader({ class: "request", method: 0x0a2, transactionId })
      )
  const headed = (messageClass: Stun.MessageClass, method: number) =>
    finish(Stun.encodeHeader({ class: messageClass, method, transactionId }), key)
  const withAttribute = (type: number, value: string) =>
    finish(Stun.appendAttribute(without(type), type, bytesOf(value)), key)
  const truncatedProof = Stun.appendFingerprint(
    Stun.appendAttribute(unsigned, Stun.integritySha256Type, new Uint8Array(16))
  )
  const requestWith = (method: number, attributes: ReadonlyArray<readonly [type: number, value: string]>) =>
    finish(
      attributes.reduce(
        (soFar, [type, value]) => Stun.appendAttribute(soFar, type, bytesOf(value)),
        Stun.encodeHeader({ class: "request", method, transactionId })
      ),
      key
    )
  const directiveWith = (...attributes: Parameters<typeof requestWith>[1]) => requestWith(0x0a6, attributes)
  const legTag = [Attribute.legTag.type, "cafef00d"] as const
  const counter = [Attribute.counter.type, "0000000000000001"] as const
  const pageOf = (page: string) => [Roster.rosterPage.type, page] as const
  const rosterWith = (page: string, ...entries: ReadonlyArray<string>) =>
    directiveWith(legTag, counter, pageOf(page), ...entries.map((entry) => [Roster.rosterEntry.type, entry] as const))

  const subscribeWith = (value: string) =>
    requestWith(0x0a4, [legTag, counter, [Subscription.subscription.type, value]])

  const broken: ReadonlyArray<readonly [what: string, datagram: Uint8Array, reason: string]> = [
    ["a frame of media", new Uint8Array(64).fill(0xc0), "Stun WrongVersion"],
    ["a method nobody has", headed("request", 0x002), "Control UnknownMethod"],
    ["a method that is reserved", headed("request", 0x0a5), "Control UnknownMethod"],
    ["an indication", headed("indication", 0x0a2), "Control UnknownMethod"],
    ["no integrity", finish(unsigned, undefined), "Control MissingAttribute"],
    ["half an integrity", truncatedProof, "Control MalformedAttribute"],
    ["no FINGERPRINT", finish(unsigned, key).subarray(0, -8), "Stun LengthMismatch"],
    ["never had a FINGERPRINT", append(unsigned, Stun.integritySha256Type, 32), "Control MissingAttribute"],
    ["a ping without a counter", finish(without(Attribute.counter.type), key), "Control MissingAttribute"],
    ["an attribute from the future", finish(append(unsigned, 0x5a7f, 4), key), "Control UnknownAttribute"],
    ["a leg tag of 3 bytes", withAttribute(Attribute.legTag.type, "cafef0"), "Control MalformedAttribute"],
    ["a leg tag of 5 bytes", withAttribute(Attribute.legTag.type, "cafef00d00"), "Control MalformedAttribute"],
    ["a counter of 2^53", withAttribute(Attribute.counter.type, "0020000000000000"), "Control MalformedAttribute"],
    ["a cookie of 11 bytes", withAttribute(Attribute.cookie.type, "00".repeat(11)), "Control MalformedAttribute"],
    ["a cookie of 25 bytes", withAttribute(Attribute.cookie.type, "00".repeat(25)), "Control MalformedAttribute"],
    ["a roster for no session", directiveWith(counter, pageOf("0000000100010000")), "Control MissingAttribute"],
    [
      "a farewell for no session",
      directiveWith(counter, [Attribute.goingAwayInMs.type, "00000001"]),
      "Control MissingAttribute"
    ],
    ["page 1 of 1", rosterWith("0000000101010000"), "Control MalformedAttribute"],
    ["page 0 of none", rosterWith("0000000100000000"), "Control MalformedAttribute"],
    ["a participant without a name", rosterWith("0000000100010000", "0000"), "Control MalformedAttribute"],
    ["fewer streams than promised", rosterWith("0000000100010000", "016101"), "Control MalformedAttribute"],
    [
      "17 streams",
      rosterWith("0000000100010000", `016111${"00000001000100000000bb806f".repeat(17)}`),
      "Control MalformedAttribute"
    ],
    [
      "a codec without a name",
      rosterWith("0000000100010000", "01610100000001000000000000bb80"),
      "Control MalformedAttribute"
    ],
    [
      "a clock that stands",
      rosterWith("0000000100010000", "0161010000000100010000000000006f"),
      "Control MalformedAttribute"
    ],
    [
      "a kind of stream nobody has",
      rosterWith("0000000100010000", "01610100000001020100000000bb806f"),
      "Control MalformedAttribute"
    ],
    ["a subscription of half an entry", subscribeWith("00000001000000010000000700"), "Control MalformedAttribute"],
    ["fewer entries than promised", subscribeWith("0000000100000001"), "Control MalformedAttribute"],
    [
      "more entries than promised",
      subscribeWith("0000000100000000".concat("0000000700000000")),
      "Control MalformedAttribute"
    ],
    ["everything, and an entry", subscribeWith("00000001010000010000000700000000"), "Control MalformedAttribute"],
    ["neither everything nor entries", subscribeWith("0000000102000000"), "Control MalformedAttribute"],
    ["a place nobody has", subscribeWith("00000001000000010000000703000000"), "Control MalformedAttribute"]
  ]
  for (const [what, datagram, reason] of broken)
    it(`${what}: ${reason}`, () => assert.strictEqual(reasonOf(datagram), reason))

  it("and the ones beside them are", () => {
    assert.isUndefined(reasonOf(finish(unsigned, key)))
    assert.isUndefined(reasonOf(withAttribute(Attribute.counter.type, "001fffffffffffff")))
    assert.isUndefined(reasonOf(withAttribute(Attribute.cookie.type, "00".repeat(12))))
    assert.isUndefined(reasonOf(rosterWith("0000000100010000", "01610100000001010100000000bb806f")))
    assert.isUndefined(reasonOf(subscribeWith("00000001000000010000000702000000")))
    assert.isUndefined(reasonOf(subscribeWith("0000000101000000")))
  })
})

describe("attributes", () => {
  const append = (message: Uint8Array, type: number, value: string) =>
    Stun.appendAttribute(message, type, bytesOf(value))

  it("of one that is there twice the first counts", () => {
    const twice = append(ControlMessage.encode(ping), Attribute.legTag.type, "00000000")
    assert.deepStrictEqual(decode(finish(twice, key)).message, ping)
  })

  it("unknown ones that need not be understood are passed over", () => {
    const more = append(ControlMessage.encode(ping), 0xfff0, "0102030405")
    assert.deepStrictEqual(decode(finish(more, key)).message, ping)
  })

  it("what stands behind the integrity is not believed", () => {
    const signed = finish(ControlMessage.encode(ping), key).subarray(0, -8)
    signed[3] = signed.length - 20
    const spoofed = Stun.appendFingerprint(append(signed, Attribute.cookie.type, "00".repeat(12)))
    assert.deepStrictEqual(decode(spoofed).message, ping)
  })

  it("values are copies: the datagram's memory may be used again", () => {
    const cookie = new Uint8Array(12).fill(7)
    for (const memory of [Uint8Array, Buffer]) {
      const datagram = memory.from(finish(ControlMessage.encode({ ...ping, cookie }), key))
      const { message } = decode(datagram)
      datagram.fill(0)
      assert.deepStrictEqual(message, { ...ping, cookie })
    }
  })

  it("a text that is too long is cut between characters", () => {
    const refused: ControlMessage.Refused = {
      _tag: "Refused",
      transactionId,
      method: "Join",
      error: { code: 403, reason: `x${"é".repeat(100)}` },
      relays: []
    }
    const { message } = decode(finish(ControlMessage.encode(refused), undefined))
    assert.deepStrictEqual(message, { ...refused, error: { code: 403, reason: `x${"é".repeat(63)}` } })
  })

  it("a text that is too long, or not text, is not read", () => {
    const x = (length: number) => new TextEncoder().encode("x".repeat(length))
    assert.strictEqual(Attribute.software.decode(x(128), transactionId)?.length, 128)
    assert.isUndefined(Attribute.software.decode(x(129), transactionId))
    assert.isUndefined(Attribute.software.decode(Uint8Array.of(0xff), transactionId))
    assert.strictEqual(Attribute.relay.decode(x(64), transactionId)?.length, 64)
    assert.isUndefined(Attribute.relay.decode(x(65), transactionId))
    assert.isUndefined(Attribute.relay.decode(new TextEncoder().encode("a b"), transactionId))
    assert.isUndefined(Attribute.relay.decode(x(0), transactionId))
  })

  it("an epoch has one byte of its four", () => {
    assert.strictEqual(Attribute.epoch.decode(bytesOf("000000ff"), transactionId), 255)
    assert.isUndefined(Attribute.epoch.decode(bytesOf("00000100"), transactionId))
  })

  it("an error with a cookie is a challenge, no longer than the shortest request", () => {
    const challenge: ControlMessage.Challenge = {
      _tag: "Challenge",
      transactionId,
      method: "Ping",
      error: { code: ControlMessage.refusalCodes.cookieNeeded, reason: "Cookie needed" },
      cookie: new Uint8Array(24)
    }
    const datagram = finish(ControlMessage.encode(challenge), undefined)
    assert.deepStrictEqual(decode(datagram), { message: challenge, integrity: undefined })
    assert.isAtMost(datagram.length, finish(ControlMessage.encode(ping), key).length)
  })
})

describe("limits", () => {
  const relays = Array.from({ length: relaysMax }, () => "x".repeat(64))
  const streams = Array.from(
    { length: Roster.streamsMax },
    (_, ssrc) => new StreamDescription({ ...stream, ssrc, codec: "x".repeat(16) })
  )
  const ticket = new Uint8Array(Attribute.ticketBytesMax)
  const cookie = new Uint8Array(24)
  const longText = "x".repeat(Attribute.textBytesMax)
  const granted = { ticket, legTag: 1, epoch: 255, mappedAddress: new Uint32Array(5).fill(1), relays, relayTimeMs: 1 }
  const longest: ReadonlyArray<ControlMessage.ControlMessage> = [
    {
      _tag: "JoinRequest",
      transactionId,
      token: new Uint8Array(TokenClaims.claimsBytesMax),
      cookie,
      counter: 1,
      legTag: 1,
      streams,
      software: longText
    },
    { _tag: "ResumeRequest", transactionId, ticket, cookie, counter: 1, legTag: 1, epoch: 255 },
    { _tag: "ResumeSuccess", transactionId, ...granted },
    { _tag: "GoingAwayDirective", transactionId, legTag: 1, counter: 1, inMs: 1, relays },
    {
      _tag: "SubscribeRequest",
      transactionId,
      legTag: 1,
      counter: 1,
      cookie,
      subscription: {
        version: 0xffffffff,
        wanted: Array.from({ length: Subscription.entriesMax }, (_, ssrc) => ({
          ssrc,
          place: "grid",
          heightPx: 0xffff
        }))
      }
    },
    {
      _tag: "Refused",
      transactionId,
      method: "Resume",
      error: { code: 699, reason: longText },
      retryAfterMs: 1,
      relayTimeMs: 1,
      relays
    }
  ]
  for (const message of longest) {
    it(`the longest ${message._tag} fits into a datagram`, () => {
      const datagram = finish(ControlMessage.encode(message), key)
      assert.isAtMost(datagram.length, datagramBytesMax)
      assert.deepStrictEqual(decode(datagram).message, message)
    })
  }

  it("more than a message may have is a defect of who asks for it", () => {
    const going: ControlMessage.GoingAwayDirective = {
      _tag: "GoingAwayDirective",
      transactionId,
      legTag: 1,
      counter: 1,
      inMs: 1,
      relays
    }
    assert.throws(
      () => ControlMessage.encode({ ...going, relays: [...relays, "one.more:1"] }),
      /at most 8 relays, not 9/
    )
    const entry = { participant: ParticipantId.make("x".repeat(64)), streams }
    assert.throws(
      () => ControlMessage.encode({ ...roster, entries: [entry, entry, entry] }),
      /does not fit into a datagram/
    )
  })

  it("nine relays are refused", () => {
    const eight = ControlMessage.encode({
      _tag: "GoingAwayDirective",
      transactionId,
      legTag: 1,
      counter: 1,
      inMs: 1,
      relays
    })
    assert.isUndefined(reasonOf(finish(eight, key)))
    assert.strictEqual(
      reasonOf(finish(Stun.appendAttribute(eight, Attribute.relay.type, Uint8Array.of(0x78)), key)),
      "Control MalformedAttribute"
    )
  })
})

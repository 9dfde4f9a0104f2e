import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as RelayHarness from "../pipeline/RelayHarness.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Duet from "./Duet.ts"
import * as RelayLife from "./RelayLife.ts"

/**
 * The shapes that have broken other servers: lengths that wrap at 16 bits when they are padded, and attributes that end
 * behind the message (coturn issues 1964, 1967 and 1995), input so odd that a worker dies of it (mediasoup issue 537). The
 * parsers themselves are fuzzed in test/fuzz.
 */

const u16 = (value: number): ReadonlyArray<number> => [value >> 8, value & 0xff]

/** A message with one attribute that says so much of its length, and has so many bytes. */
const withAttribute = (type: number, declared: number, bytes: number): Uint8Array => {
  const header = Stun.encodeHeader({ class: "request", method: 0x0a0, transactionId: Raw.transactionId() })
  const message = Uint8Array.of(...header, ...u16(type), ...u16(declared), ...new Uint8Array(bytes))
  new DataView(message.buffer).setUint16(2, message.length - Stun.headerBytes)
  return message
}

const withHeaderLength = (length: number, bytes: number): Uint8Array => {
  const message = Uint8Array.of(...Raw.binding(), ...new Uint8Array(bytes))
  new DataView(message.buffer).setUint16(2, length)
  return message
}

const controlShapes: ReadonlyArray<readonly [name: string, bytes: Uint8Array]> = [
  ...[0xfffc, 0xfffd, 0xfffe, 0xffff].map(
    (declared) =>
      [`an attribute of ${declared} bytes, which wrap when padded`, withAttribute(0x5a01, declared, 8)] as const
  ),
  ["an attribute that ends one byte behind the message", withAttribute(0x5a01, 9, 8)],
  ["an attribute whose padding ends behind the message", withAttribute(0x5a01, 6, 6)],
  ["a FINGERPRINT longer than the message", withAttribute(Stun.fingerprintType, 0xffff, 4)],
  ["a FINGERPRINT of no bytes", withAttribute(Stun.fingerprintType, 0, 0)],
  ["a MESSAGE-INTEGRITY-SHA256 of no bytes", withAttribute(Stun.integritySha256Type, 0, 0)],
  ["a MESSAGE-INTEGRITY-SHA256 of 0xfffc bytes", withAttribute(Stun.integritySha256Type, 0xfffc, 32)],
  ["a token of no bytes", withAttribute(0x5a01, 0, 0)],
  ["three bytes behind the last attribute", Uint8Array.of(...withAttribute(0x5a01, 4, 4), 0, 0, 0)],
  ["a header that says 0xffff bytes", withHeaderLength(0xffff, 0)],
  ["a header that says 4 bytes and has none", withHeaderLength(4, 0)],
  ["a header that says none and has 4", withHeaderLength(0, 4)],
  ["a header that says 3 and has 3", withHeaderLength(3, 3)],
  ["19 bytes", new Uint8Array(19)],
  ["one byte", Uint8Array.of(0)]
]

/** The frame of a participant with so many bytes of its header changed behind it. */
const frameWith = (change: (rtp: Uint8Array) => void): { readonly from: Uint32Array; readonly bytes: Uint8Array } => {
  const frame = RelayHarness.frame({ from: 0, repair: 0 })
  change(frame.bytes.subarray(HopFrame.headerBytes))
  return frame
}

const feedbackWith = (keyFrames: number, requests: number, arrivals: number) => {
  const { bytes, from } = RelayHarness.feedback(0, 0, {})
  const view = new DataView(bytes.buffer)
  view.setUint8(HopFrame.headerBytes + 1, keyFrames)
  view.setUint16(HopFrame.headerBytes + 2, requests)
  view.setUint16(HopFrame.headerBytes + 6, arrivals)
  return { from, bytes }
}

describe("parsers", () => {
  it.effect("no control message of an odd shape is answered, stops the relay or moves a session", () =>
    Effect.andThen(
      TestClock.adjust("1 second"),
      Effect.gen(function* () {
        const devices = { ada: yield* Raw.open(Duet.addresses.ada), lin: yield* Raw.open(Duet.addresses.lin) }
        const { place: lin } = yield* Duet.join(devices.lin, { name: "lin", ssrc: 2, deviceTag: 12 })
        const { place: ada } = yield* Duet.join(devices.ada, { name: "ada", ssrc: 1, deviceTag: 11 })
        const eve = yield* Raw.open(Duet.eveAddress)
        yield* Duet.passSeconds(20, ada, lin)
        for (const [name, bytes] of controlShapes) {
          for (const device of [eve, ada.device]) assert.deepStrictEqual(yield* device.answersTo(bytes), [], name)
        }
        Raw.only(yield* eve.answersTo(Raw.binding()), "BindingSuccess")
        yield* Duet.isUnharmed(ada, lin)
      })
    ).pipe(RelayLife.during, Effect.provide(RelayLife.world), Effect.scoped, Raw.passing, Raw.inThePresent)
  )

  it("RTP whose contributing sources, extension or padding end behind the packet is forwarded as it is, or dropped", () => {
    // The relay reads nothing behind the fixed header, so it has nothing there to be wrong about.
    const shapes = [
      (rtp: Uint8Array) => void (rtp[0] = 0x8f),
      (rtp: Uint8Array) => rtp.set([0x90, ...new Array<number>(11).fill(0), 0xff, 0xff, 0xff, 0xff]),
      (rtp: Uint8Array) => {
        rtp[0] = 0xa0
        rtp[rtp.length - 1] = 0xff
      },
      (rtp: Uint8Array) => void (rtp[0] = 0xbf)
    ]
    for (const shape of shapes) {
      const relay = RelayHarness.make(2)
      const frame = frameWith(shape)
      for (const sent of relay.receive(0, frame)) {
        assert.deepStrictEqual(sent.bytes.slice(HopFrame.headerBytes), frame.bytes.slice(HopFrame.headerBytes))
      }
    }
  })

  it("feedback that counts more than it has, or more than there may be, is dropped whole", () => {
    const counts: ReadonlyArray<Parameters<typeof feedbackWith>> = [
      [255, 0, 0],
      [0, 0xffff, 0],
      [0, 0, 0xffff],
      [16, 256, 1024],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1]
    ]
    for (const [index, count] of counts.entries()) {
      const relay = RelayHarness.make(2)
      assert.deepStrictEqual(relay.receive(index, feedbackWith(...count)), [], count.join())
      assert.strictEqual(relay.forwarding.counters.dropped.malformedFeedback, 1, count.join())
    }
  })
})

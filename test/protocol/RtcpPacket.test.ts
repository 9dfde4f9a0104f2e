import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import * as RtcpHeader from "../../src/protocol/RtcpHeader.ts"
import * as RtcpPacket from "../../src/protocol/RtcpPacket.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import { compound, integer } from "./ArbitraryRtcp.ts"

const long = { arbitrary: { size: 200 } }
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"))
const decode = (bytes: Uint8Array) => Result.getOrThrow(RtcpPacket.decode(bytes))
const reasonOf = (bytes: Uint8Array): string | undefined =>
  Result.match(RtcpPacket.decode(bytes), { onFailure: ({ reason }) => reason, onSuccess: () => undefined })
const tagsOf = (bytes: Uint8Array) => decode(bytes).map(({ _tag }) => _tag)

const receiverReport = hex("80c90001 00000001")
const pictureLoss = hex("81ce0002 00000001 00000002")

describe("RtcpPacket", () => {
  it.prop(
    "what was encoded is decoded",
    [compound],
    ([packets]) => {
      const bytes = RtcpPacket.encode(packets)
      assert.strictEqual(bytes.length % 4, 0)
      assert.isTrue(RtcpHeader.isRtcp(bytes, 0, bytes.length))
      assert.deepStrictEqual(decode(bytes), packets)
    },
    long
  )

  it.prop(
    "a compound that was cut is malformed, unless it was cut between two packets",
    [compound],
    ([packets]) => {
      const bytes = RtcpPacket.encode(packets)
      const ends = packets.map((_, i) => RtcpPacket.encode(packets.slice(0, i + 1)).length)
      for (let length = 0; length < bytes.length; length++) {
        const end = ends.indexOf(length)
        if (end < 0) assert.strictEqual(reasonOf(bytes.subarray(0, length)), "TooShort", `${length}`)
        else assert.deepStrictEqual(decode(bytes.subarray(0, length)), packets.slice(0, end + 1))
      }
    },
    { arbitrary: { size: 20 } }
  )

  it("a generic NACK keeps the order of its numbers, and those that it names twice", () => {
    for (const lost of [
      [100, 110, 105],
      [100, 103, 103],
      [100, 100],
      [65535, 3, 2, 4],
      [7, 23, 24]
    ]) {
      const nack = { _tag: "GenericNack", senderSsrc: 1, mediaSsrc: 2, lost } as const
      assert.deepStrictEqual(decode(RtcpPacket.encode([nack])), [nack])
    }
  })

  it.prop(
    "whatever the bytes are, it does not throw, and what is read can be written",
    [compound, Arbitrary.array(Arbitrary.all([integer(0, 0xffff), integer(0, 0xff)]), { maxLength: 20 })],
    ([packets, changes]) => {
      const bytes = RtcpPacket.encode(packets)
      for (const [at, value] of changes) {
        bytes[at % bytes.length] = value
        const decoded = RtcpPacket.decode(bytes)
        if (Result.isFailure(decoded)) continue
        const again = RtcpPacket.encode(decoded.success)
        assert.isAtMost(again.length, bytes.length)
        assert.deepStrictEqual(decode(again), decoded.success)
      }
    },
    long
  )

  it.prop(
    "bytes without any sense are read or refused, wherever they lie",
    [Arbitrary.array(integer(0, 0xff), { maxLength: 120 })],
    ([values]) => {
      for (const packetType of [undefined, 200, 201, 202, 203, 204, 205, 206]) {
        const memory = Uint8Array.of(...values, 0x81, 0xce, 0, 2)
        const datagram = memory.subarray(0, values.length)
        if (packetType !== undefined && datagram.length >= 4) {
          datagram[0] = 0x80 | (datagram[0]! & 0x3f)
          datagram[1] = packetType
          new DataView(datagram.buffer).setUint16(2, (datagram.length >> 2) - 1)
        }
        const decoded = RtcpPacket.decode(datagram)
        if (Result.isFailure(decoded)) continue
        assert.deepStrictEqual(RtcpPacket.decode(datagram.slice()), decoded)
      }
    },
    long
  )

  it("reads a compound by RFC 3550, field for field", () => {
    const bytes = hex(`
      81c8000c 00000001 e6d1c2b3 80000000 00010203 00000010 00000800
        00000002 40fffffe 0003ffff 00000007 c2b38000 00018000
      81ca0003 00000001 01046361 6d310000
      81cb0003 00000001 05646f6e 65210000`)
    assert.deepStrictEqual(decode(bytes), [
      {
        _tag: "SenderReport",
        ssrc: 1,
        ntpTime: { seconds: 0xe6d1c2b3, fraction: 0x80000000 },
        rtpTimestamp: 0x10203,
        packetCount: 16,
        octetCount: 2048,
        blocks: [
          {
            ssrc: 2,
            fractionLost: 64,
            cumulativeLost: -2,
            extendedHighestSequence: 0x3ffff,
            jitter: 7,
            lastSenderReport: 0xc2b38000,
            delaySinceLastSenderReport: 0x18000
          }
        ]
      },
      { _tag: "SourceDescription", chunks: [{ ssrc: 1, cname: "cam1" }] },
      { _tag: "Goodbye", ssrcs: [1], reason: "done!" }
    ])
    assert.deepStrictEqual(RtcpPacket.encode(decode(bytes)), bytes)
  })

  it("a NACK names a packet and those of the next 16 that are missing too, over the wrap", () => {
    const bytes = hex("81cd0004 00000001 00000002 fffe8005 00100000")
    const lost = [65534, 65535, 1, 14, 16]
    assert.deepStrictEqual(decode(bytes), [{ _tag: "GenericNack", senderSsrc: 1, mediaSsrc: 2, lost }])
    assert.deepStrictEqual(RtcpPacket.encode(decode(bytes)), bytes)
  })

  it("a full intra request names its streams itself", () => {
    const bytes = hex("84ce0006 00000001 00000000 00000002 07000000 00000003 ff000000")
    const requests = [
      { ssrc: 2, sequenceNumber: 7 },
      { ssrc: 3, sequenceNumber: 255 }
    ]
    assert.deepStrictEqual(decode(bytes), [{ _tag: "FullIntraRequest", senderSsrc: 1, requests }])
    assert.deepStrictEqual(RtcpPacket.encode(decode(bytes)), bytes)
  })

  it("feedback may come alone, and in any order with reports", () => {
    assert.deepStrictEqual(tagsOf(pictureLoss), ["PictureLossIndication"])
    assert.deepStrictEqual(tagsOf(new Uint8Array([...pictureLoss, ...receiverReport])), [
      "PictureLossIndication",
      "ReceiverReport"
    ])
  })

  it("skips what it does not read: other items, extensions of a profile, other types", () => {
    const items = hex("81ca0006 00000001 06033132 33010261 62020361 62630000 00000000")
    assert.strictEqual(reasonOf(items), "LengthMismatch", "zeros after the chunk's own belong to nobody")
    const good = hex("81ca0005 00000001 06033132 33010261 62020361 62630000")
    assert.deepStrictEqual(decode(good), [{ _tag: "SourceDescription", chunks: [{ ssrc: 1, cname: "ab" }] }])
    const extended = hex("80c90003 00000001 deadbeef deadbeef")
    assert.deepStrictEqual(decode(extended), [{ _tag: "ReceiverReport", ssrc: 1, blocks: [] }])
    const app = hex("85cc0002 00000001 6e616d65")
    assert.deepStrictEqual(tagsOf(new Uint8Array([...app, ...pictureLoss])), ["Other", "PictureLossIndication"])
  })

  it("what is no UTF-8 is no name, and does no harm to the rest", () => {
    assert.deepStrictEqual(decode(hex("81ca0002 00000001 0101ff00")), [
      { _tag: "SourceDescription", chunks: [{ ssrc: 1, cname: undefined }] }
    ])
    assert.deepStrictEqual(decode(hex("81cb0002 00000001 01ff0000")), [
      { _tag: "Goodbye", ssrcs: [1], reason: undefined }
    ])
  })

  it("cuts names and reasons to what their length can say, and no character in two", () => {
    const text = "é".repeat(200)
    const cut = "é".repeat(127)
    const packets: ReadonlyArray<RtcpPacket.RtcpPacket> = [
      { _tag: "SourceDescription", chunks: [{ ssrc: 1, cname: text }] },
      { _tag: "Goodbye", ssrcs: [1], reason: `a${text}` }
    ]
    assert.deepStrictEqual(decode(RtcpPacket.encode(packets)), [
      { _tag: "SourceDescription", chunks: [{ ssrc: 1, cname: cut }] },
      { _tag: "Goodbye", ssrcs: [1], reason: `a${cut}` }
    ])
  })

  it("cuts padding off the last packet, and refuses it elsewhere", () => {
    const padded = hex("a1ce0003 00000001 00000002 00000004")
    assert.deepStrictEqual(decode(padded), decode(pictureLoss))
    assert.deepStrictEqual(tagsOf(new Uint8Array([...receiverReport, ...padded])), [
      "ReceiverReport",
      "PictureLossIndication"
    ])
    assert.strictEqual(reasonOf(new Uint8Array([...padded, ...receiverReport])), "LengthMismatch")
    for (const count of [0, 1, 3, 5, 8, 16, 255]) {
      assert.strictEqual(reasonOf(padded.with(15, count)), "LengthMismatch", `${count} bytes of padding`)
    }
    assert.strictEqual(reasonOf(hex("a0c90000")), "LengthMismatch", "no room for padding")
    assert.strictEqual(reasonOf(hex("a0c90001 00000000")), "LengthMismatch", "padding of nothing")
    assert.strictEqual(reasonOf(hex("a0cb0001 00000008")), "LengthMismatch", "more padding than packet")
  })

  const refused = (name: string, reason: string, bytes: string) =>
    it(`refuses ${name}`, () => assert.strictEqual(reasonOf(hex(bytes)), reason))

  refused("nothing", "TooShort", "")
  refused("half a header", "TooShort", "80c9")
  refused("another version", "WrongVersion", "40c90001 00000001")
  refused("more packets than there are", "TooShort", "80c90001 00000001 81")
  refused("another version behind the first packet", "WrongVersion", "80c90001 00000001 00000000")
  refused("a sender report without its counts", "LengthMismatch", "80c80003 00000001 00000002 00000003")
  refused("a block that is not there", "LengthMismatch", "81c90001 00000001")
  refused("a chunk that is not there", "LengthMismatch", "82ca0002 00000001 00000000")
  refused("a chunk without an end", "LengthMismatch", "81ca0002 00000001 01026161")
  refused("an item longer than its chunk", "LengthMismatch", "81ca0002 00000001 01096100")
  refused("an item without a length", "LengthMismatch", "81ca0002 00000001 01016101")
  refused("a goodbye to more than there are", "LengthMismatch", "82cb0001 00000001")
  refused("a reason longer than its packet", "LengthMismatch", "81cb0002 00000001 04616161")
  refused("a reason shorter than its packet", "LengthMismatch", "81cb0003 00000001 01610000 00000000")
  refused("a NACK that asks for nothing", "LengthMismatch", "81cd0002 00000001 00000002")
  refused("a NACK without media source", "LengthMismatch", "81cd0001 00000001")
  refused("a picture loss of more than a picture", "LengthMismatch", "81ce0003 00000001 00000002 00000003")
  refused("half a full intra request", "LengthMismatch", "84ce0003 00000001 00000000 00000002")
  refused("no full intra request", "LengthMismatch", "84ce0002 00000001 00000000")

  it("more blocks than a packet counts are a mistake of ours", () => {
    const ssrcs = Array.from({ length: 32 }, (_, i) => i)
    assert.throws(() => RtcpPacket.encode([{ _tag: "Goodbye", ssrcs, reason: undefined }]), RangeError)
  })

  it("tells RTCP from RTP on one port, whatever payload type and marker", () => {
    for (let payloadType = 0; payloadType < 128; payloadType++) {
      for (const marker of [false, true]) {
        const header = { marker, payloadType, sequenceNumber: 1, timestamp: 2, ssrc: 3 }
        const bytes = RtpHeader.encode({ ...header, payload: new Uint8Array(20) })
        // RFC 5761 section 4: with these payload types RTP cannot share a port.
        const isTaken = marker && payloadType >= 64 && payloadType <= 95
        assert.strictEqual(RtcpHeader.isRtcp(bytes, 0, bytes.length), isTaken)
      }
    }
    assert.isTrue(RtcpHeader.isRtcp(receiverReport, 0, receiverReport.length))
    assert.isFalse(RtcpHeader.isRtcp(receiverReport, 0, 3))
    assert.isFalse(RtcpHeader.isRtcp(receiverReport.with(0, 0x40), 0, receiverReport.length))
    assert.isTrue(RtcpHeader.hasSender(receiverReport, 0, 8))
    assert.isFalse(RtcpHeader.hasSender(receiverReport, 0, 7))
    assert.isFalse(RtcpHeader.hasSender(receiverReport.with(1, 96), 0, 8))
    assert.strictEqual(RtcpHeader.senderSsrcAt(new DataView(receiverReport.buffer), 0), 1)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { packets } from "rtp.js"
import * as Werift from "werift"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"

const integer = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Packet = Schema.Struct({
  marker: Schema.Boolean,
  payloadType: integer(127),
  sequenceNumber: integer(0xffff),
  timestamp: integer(0xffffffff),
  ssrc: integer(0xffffffff),
  payload: Schema.Uint8Array
})
const long = { arbitrary: { size: 200 } }

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

describe("RtpHeader", () => {
  it.prop(
    "what was encoded is decoded, and what the relay reads in place is the same",
    [Packet],
    ([packet]) => {
      const bytes = RtpHeader.encode(packet)
      assert.deepStrictEqual(Result.getOrThrow(RtpHeader.decode(bytes)), { ...packet, payload: packet.payload })
      const moved = new Uint8Array(bytes.length + 7)
      moved.set(bytes, 7)
      assert.isTrue(RtpHeader.isRtp(moved, 7, bytes.length))
      assert.strictEqual(RtpHeader.markerAt(viewOf(moved), 7), packet.marker)
      assert.strictEqual(RtpHeader.payloadTypeAt(viewOf(moved), 7), packet.payloadType)
      assert.strictEqual(RtpHeader.sequenceNumberAt(viewOf(moved), 7), packet.sequenceNumber)
      assert.strictEqual(RtpHeader.timestampAt(viewOf(moved), 7), packet.timestamp)
      assert.strictEqual(RtpHeader.ssrcAt(viewOf(moved), 7), packet.ssrc)
    },
    long
  )

  it.prop(
    "arbitrary bytes never throw, and no payload reaches beyond them",
    [Schema.Uint8Array],
    ([bytes]) => {
      for (const first of [bytes[0] ?? 0, 0x80, 0x9f, 0xb0, 0xbf]) {
        const packet = Uint8Array.from(bytes)
        if (packet.length > 0) packet[0] = first
        const decoded = RtpHeader.decode(packet)
        if (Result.isFailure(decoded)) continue
        assert.isTrue(RtpHeader.isRtp(packet, 0, packet.length))
        assert.isAtMost(decoded.success.payload.length, packet.length - RtpHeader.fixedHeaderBytes)
      }
    },
    long
  )

  it.prop(
    "agrees with werift, both ways",
    [Packet],
    ([packet]) => {
      const theirs = Werift.RtpPacket.deSerialize(Buffer.from(RtpHeader.encode(packet)))
      const { header } = theirs
      assert.deepStrictEqual(
        [header.marker, header.payloadType, header.sequenceNumber, header.timestamp, header.ssrc],
        [packet.marker, packet.payloadType, packet.sequenceNumber, packet.timestamp, packet.ssrc]
      )
      assert.deepStrictEqual(new Uint8Array(theirs.payload), packet.payload)
      const { payload, ...fields } = packet
      const written = new Werift.RtpPacket(new Werift.RtpHeader(fields), Buffer.from(payload)).serialize()
      assert.deepStrictEqual(Result.getOrThrow(RtpHeader.decode(new Uint8Array(written))), packet)
    },
    long
  )

  it.prop(
    "skips contributing sources, extension and padding as rtp.js writes them",
    [Packet, Schema.Array(integer(0xffffffff)).check(Schema.isMaxLength(15))],
    ([packet, sources]) => {
      const theirs = new packets.RtpPacket()
      theirs.setMarker(packet.marker)
      theirs.setPayloadType(packet.payloadType)
      theirs.setSequenceNumber(packet.sequenceNumber)
      theirs.setTimestamp(packet.timestamp)
      theirs.setSsrc(packet.ssrc)
      theirs.setCsrcs(Array.from(sources))
      theirs.enableOneByteExtensions()
      theirs.setExtension(1, viewOf(Uint8Array.of(7, 8, 9)))
      theirs.setPayload(viewOf(Uint8Array.from(packet.payload)))
      theirs.padTo4Bytes()
      const size = theirs.getByteLength()
      const bytes = new Uint8Array(size)
      theirs.serialize(bytes.buffer, 0)
      const decoded = Result.getOrThrow(RtpHeader.decode(bytes))
      assert.deepStrictEqual({ ...decoded, payload: Uint8Array.from(decoded.payload) }, packet)
    },
    long
  )

  it("refuses what is no RTP", () => {
    const good = RtpHeader.encode({
      marker: false,
      payloadType: 0,
      sequenceNumber: 0,
      timestamp: 0,
      ssrc: 0,
      payload: Uint8Array.of(1)
    })
    const changed = (at: number, value: number) => good.map((byte, i) => (i === at ? value : byte))
    assert.isTrue(Result.isFailure(RtpHeader.decode(good.slice(0, 11))))
    assert.isTrue(Result.isFailure(RtpHeader.decode(changed(0, 0x40))))
    assert.isTrue(Result.isFailure(RtpHeader.decode(changed(0, 0x81))), "a contributing source that is not there")
    assert.isTrue(Result.isFailure(RtpHeader.decode(changed(0, 0x90))), "an extension that is not there")
    assert.isTrue(Result.isFailure(RtpHeader.decode(changed(0, 0xa0).with(12, 9))), "more padding than payload")
    assert.isFalse(RtpHeader.isRtp(good, 0, 11))
    assert.isFalse(RtpHeader.isRtp(changed(0, 0x8f), 0, good.length))
  })
})

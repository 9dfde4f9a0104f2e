import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Vp8RtpPayload } from "werift"
import * as Vp8Payload from "../../../src/client/payload/Vp8Payload.ts"
import { bytesOf, concat, integer, sized, video } from "../Samples.ts"

const read = (...bytes: ReadonlyArray<number>) => Vp8Payload.read(Uint8Array.from(bytes))

describe("Vp8Payload", () => {
  it.prop(
    "what was cut is put together again, whatever the lengths",
    [integer(1, 5_000), integer(0, 1_500), integer(0, 0xffff)],
    ([frameBytes, payloadBytesMax, pictureId]) => {
      const frame = bytesOf(frameBytes, pictureId)
      const packets = Vp8Payload.packetize(frame, pictureId, payloadBytesMax)
      const payloads = packets.map((packet) => Result.getOrThrow(Vp8Payload.read(packet.payload)))
      assert.deepStrictEqual(concat(payloads.map((payload) => payload.bytes)), frame)
      for (const [index, { marks, payload }] of packets.entries()) {
        assert.isAtMost(payload.length, Math.max(payloadBytesMax, Vp8Payload.descriptorBytes + 1))
        assert.strictEqual(payloads[index]!.pictureId, pictureId & Vp8Payload.pictureIdMask)
        assert.strictEqual(payloads[index]!.startOfPartition, index === 0)
        assert.strictEqual(marks.startOfFrame, index === 0)
        assert.strictEqual(marks.endOfFrame, index === packets.length - 1)
        assert.strictEqual(marks.independent, (frame[0]! & 1) === 0)
      }
      const lengths = packets.map(({ payload }) => payload.length)
      assert.isAtMost(Math.max(...lengths) - Math.min(...lengths), 1)
    }
  )

  it("an empty frame gives no payload", () => {
    assert.deepStrictEqual(Vp8Payload.packetize(new Uint8Array(0), 1, 1200), [])
  })

  it("another implementation reads the payloads", () => {
    for (const [pictureId, frame] of video.frames.entries()) {
      const packets = Vp8Payload.packetize(frame.bytes, 0x7f00 + pictureId, 1100)
      const theirs = packets.map(({ payload }) => Vp8RtpPayload.deSerialize(Buffer.from(payload)))
      assert.deepStrictEqual(concat(theirs.map((payload) => payload.payload)), frame.bytes.slice())
      for (const [index, payload] of theirs.entries()) {
        assert.strictEqual(payload.pictureId, (0x7f00 + pictureId) & 0x7fff)
        assert.strictEqual(payload.isPartitionHead, index === 0)
        if (index === 0) assert.strictEqual(payload.isKeyframe, frame.keyFrame)
      }
    }
  })

  it("reads every optional part of RFC 7741", () => {
    const none = { nonReference: false, pictureId: undefined, temporalLayer: 0 }
    const start = { startOfPartition: true, partitionIndex: 0, bytes: Uint8Array.of(9) }
    const expected: ReadonlyArray<readonly [ReadonlyArray<number>, object]> = [
      [[0x10, 9], { ...none, ...start }],
      [[0x20 | 0x03, 9], { ...none, ...start, startOfPartition: false, partitionIndex: 3, nonReference: true }],
      [[0x90, 0x00, 9], { ...none, ...start }],
      [[0x90, 0x80, 0x11, 9], { ...none, ...start, pictureId: 0x11 }],
      [[0x90, 0x80, 0x91, 0x22, 9], { ...none, ...start, pictureId: 0x1122 }],
      [[0x90, 0x40, 0x55, 9], { ...none, ...start }],
      [[0x90, 0x20, 0x80, 9], { ...none, ...start, temporalLayer: 2 }],
      [[0x90, 0x10, 0xc1, 9], { ...none, ...start }],
      [[0x90, 0xf0, 0x91, 0x22, 0x55, 0x61, 9], { ...none, ...start, pictureId: 0x1122, temporalLayer: 1 }]
    ]
    for (const [bytes, payload] of expected) {
      assert.deepStrictEqual(Result.getOrThrow(read(...bytes)), payload as Vp8Payload.Vp8Payload)
      for (let length = 0; length < bytes.length; length++) {
        assert.isTrue(Result.isFailure(read(...bytes.slice(0, length))), `${bytes.join()} cut to ${length}`)
      }
    }
  })

  it.prop(
    "arbitrary bytes never throw, and never give an empty part",
    [Schema.Uint8Array],
    ([bytes]) => {
      const payload = Vp8Payload.read(bytes)
      if (Result.isSuccess(payload)) assert.isAtLeast(payload.success.bytes.length, 1)
      Vp8Payload.keyFrameSize(bytes)
    },
    sized(40)
  )

  it("finds the size of the picture in key frames, and only there", () => {
    for (const frame of video.frames) {
      const size = frame.keyFrame ? { width: 640, height: 360 } : undefined
      assert.deepStrictEqual(Vp8Payload.keyFrameSize(frame.bytes), size)
    }
  })
})

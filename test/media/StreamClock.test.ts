import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as StreamClock from "../../src/media/StreamClock.ts"

const Start = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))

describe("StreamClock", () => {
  it.prop("counts age from the newest timestamp, wherever the wrap falls", [Start], ([start]) => {
    const clock = StreamClock.make("audio", 48000)
    const at = (ms: number) => (start + ms * 48) >>> 0
    StreamClock.handlePacket(clock, at(100), 1100)
    StreamClock.handlePacket(clock, at(60), 1110)
    assert.strictEqual(StreamClock.ageMs(clock, at(100), 1150), 50)
    assert.strictEqual(StreamClock.ageMs(clock, at(60), 1150), 90)
    assert.isFalse(StreamClock.isExpired(clock, at(60), 1459))
    assert.isTrue(StreamClock.isExpired(clock, at(60), 1461))
  })

  it("follows a sender that starts its timestamps anew, but not a single stray", () => {
    const clock = StreamClock.make("video", 90000)
    const hour = 90_000 * 3600
    StreamClock.handlePacket(clock, hour, 0)
    StreamClock.handlePacket(clock, 5, 10)
    assert.isFalse(StreamClock.isExpired(clock, hour, 20))
    StreamClock.handlePacket(clock, hour + 900, 20)
    StreamClock.handlePacket(clock, 3000, 30)
    StreamClock.handlePacket(clock, 6000, 60)
    assert.isFalse(StreamClock.isExpired(clock, 3000, 70))
  })

  it("nothing is old before the first packet", () => {
    assert.strictEqual(StreamClock.ageMs(StreamClock.make("audio", 48000), 0x90000000, 1e6), 0)
  })
})

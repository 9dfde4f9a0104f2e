import { assert, describe, it } from "@effect/vitest"
import * as VideoSending from "../../../src/client/session/VideoSending.ts"
import type { Session } from "../../../src/client/session/Session.ts"
import type { SendingStream } from "../../../src/client/streams/SendingStream.ts"
import * as ReceiverRates from "../../../src/media/ReceiverRates.ts"

const session = { grantedAtMs: 0 } as Session
const sending = [
  { stream: { ssrc: 1, kind: "audio" } },
  { stream: { ssrc: 2, kind: "video" } },
  { stream: { ssrc: 3, kind: "video" } }
] as unknown as ReadonlyArray<SendingStream>

describe("VideoSending", () => {
  it("what may be sent of all video is the sum of what each may be, as far as anything is known", () => {
    const video = VideoSending.make()
    const receivers = ReceiverRates.make()
    const usefulBps = (nowMs: number) => VideoSending.usefulBps(video, sending, receivers, nowMs)
    assert.strictEqual(usefulBps(0), Infinity)
    ReceiverRates.handleRate(receivers, 2, 800_000, 0)
    assert.strictEqual(usefulBps(0), 800_000)
    const streams = [
      { ssrc: 2, rateBps: 500_000 },
      { ssrc: 3, rateBps: 0 }
    ]
    VideoSending.handleAllocation(video, session, { version: 1, streams })
    assert.strictEqual(usefulBps(0), 500_000)
    ReceiverRates.handleRate(receivers, 2, 300_000, 1000)
    assert.strictEqual(usefulBps(1000), 300_000)
    // What receivers said is old, what was told holds.
    assert.strictEqual(usefulBps(9000), 500_000)
  })

  it("names what was off and may be sent again, and takes nothing older than what it knows", () => {
    const video = VideoSending.make()
    const told = (version: number, rateBps: number) =>
      VideoSending.handleAllocation(video, session, { version, streams: [{ ssrc: 2, rateBps }] })
    assert.deepStrictEqual(told(5, 0)!.switchedOn, [])
    assert.isTrue(VideoSending.isOff(video, 2))
    assert.isUndefined(told(5, 100_000))
    assert.isUndefined(told(4, 100_000))
    assert.deepStrictEqual(told(6, 100_000)!.switchedOn, [2])
    assert.deepStrictEqual(told(7, 200_000)!.switchedOn, [])
  })
})

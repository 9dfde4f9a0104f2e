import { assert, describe, it } from "@effect/vitest"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as Relay from "../pipeline/RelayHarness.ts"

const packetMs = 20
const payload = Uint8Array.of(1, 2, 3)

/** The `n`th frame of a sender whose numbers wrap, as it was on the wire. */
const frameOf = (n: number) => Relay.frame({ from: 0, repair: n & 0xffff, timestamp: (n * 960) >>> 0, payload })

const batchPackets = 50

/** A relay that has forwarded `packets` of participant 0, and how the next go. */
const after = (packets: number) => {
  const relay = Relay.make(2)
  let next = 0
  const forward = (count: number): number => {
    let forwarded = 0
    for (let left = count; left > 0; left -= batchPackets) {
      const batch = Array.from({ length: Math.min(left, batchPackets) }, (_, i) => frameOf(next + i))
      next += batch.length
      const sent = relay.receive(next * packetMs, ...batch)
      forwarded += sent.filter(({ bytes, to }) => to === 1 && HopFrame.isMedia(HopFrame.typeAt(bytes, 0))).length
      relay.poll(next * packetMs)
    }
    return forwarded
  }
  assert.strictEqual(forward(packets), packets)
  return { relay, forward, nowMs: () => next * packetMs, newest: () => next - 1 }
}

/** Nearly a lap: what was sent so long ago has the number of a packet that is still to come. */
const lap = 0x10000

describe("replay of media from the right address, with the right tag", () => {
  it("a frame of 0 to 64,000 packets ago is not forwarded, and what follows is", () => {
    const { forward, newest, nowMs, relay } = after(lap)
    for (const back of [0, 1, 63, 64, 127, 1023, 1024, 2047, 2048, 10_000, 32_767, 32_768, 40_000, 64_000, lap]) {
      assert.deepStrictEqual(relay.receive(nowMs(), frameOf(newest() - back)), [], `${back} ago`)
      assert.strictEqual(forward(10), 10, `after one of ${back} ago`)
    }
  })

  it("one of nearly a lap ago takes the place of one packet to come, and no more", () => {
    const { forward, newest, nowMs, relay } = after(lap)
    relay.receive(nowMs(), frameOf(newest() - lap + 50))
    assert.strictEqual(forward(200), 199)
  })

  it("frames that lie far back, in a row, cost no more than two packets", () => {
    const { forward, newest, nowMs, relay } = after(50_000)
    for (let i = 0; i < 40; i++) relay.receive(nowMs(), frameOf(newest() - 40_000 + i))
    assert.isAtLeast(forward(200), 198)
  })

  it("a padding and a feedback frame of 40,000 packets ago do not stop the stream", () => {
    const { forward, newest, nowMs, relay } = after(50_000)
    const number = (newest() - 40_000) & 0xffff
    const { bytes, from } = Relay.feedback(0, number, {})
    new DataView(bytes.buffer).setUint16(4, number)
    const padding = bytes.slice(0, HopFrame.headerBytes)
    padding[0] = HopFrame.typeByte(HopFrame.FrameType.Padding, 0)
    relay.receive(nowMs(), { bytes, from }, { bytes: padding, from })
    assert.strictEqual(forward(200), 200)
  })
})

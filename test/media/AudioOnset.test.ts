import { assert, describe, it } from "@effect/vitest"
import * as Pacing from "../../src/media/Pacing.ts"
import * as PacketRing from "../../src/media/PacketRing.ts"
import * as StreamClock from "../../src/media/StreamClock.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as LegPair from "./LegPair.ts"

const { Audio, AudioOnset } = HopFrame.FrameType
const packetMs = 20
/** Of each fifty packets the first ten are of an onset. */
const typeOf = (number: number) => (number % 50 < 10 ? AudioOnset : Audio)

describe("a packet of an onset is one", () => {
  for (const kind of ["device", "trunk"] as const) {
    it(`whether it is sent for the first time, again, or as a copy: ${kind}`, () => {
      const seen = { first: 0, again: 0 }
      const headerBytes = kind === "trunk" ? HopFrame.trunkHeaderBytes : HopFrame.headerBytes
      const { left, run, state } = LegPair.make({
        kind,
        link: { latencyMs: 30, jitterMs: 0, lossRatio: 0.1 },
        draw: LegPair.dice(7),
        onFrame: (bytes) => {
          const type = HopFrame.typeAt(bytes, 0)
          if (!HopFrame.isMedia(type)) return
          const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(headerBytes)
          assert.strictEqual(type, typeOf(number), `packet ${number}`)
          if (HopFrame.isResend(bytes, 0)) seen.again++
          else seen.first++
        }
      })
      const clock = StreamClock.make("audio", 48_000)
      const { audio } = left.resources.rings
      for (let number = 0; number < 1500; number++) {
        StreamClock.handlePacket(clock, number * 960, state.nowMs)
        const bytes = new Uint8Array(80)
        new DataView(bytes.buffer).setUint32(0, number)
        const packet = PacketRing.storeBytes(audio, bytes, number * 960, clock, state.nowMs)
        const { send } = left.leg
        Pacing.send(send, send.legTag, audio, packet, HopFrame.typeByte(typeOf(number), 0), 30, state.nowMs, left.out)
        run(packetMs)
      }
      assert.isAbove(seen.first, 1000)
      assert.isAbove(left.leg.send.copiesSent, 100)
      assert.isAbove(seen.again, 100)
      assert.isAbove(left.leg.send.packetsResent, 0)
    })
  }
})

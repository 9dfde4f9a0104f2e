import { assert, describe, it } from "@effect/vitest"
import * as KeyFrames from "../../src/pipeline/KeyFrames.ts"
import * as LegTable from "../../src/pipeline/LegTable.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import * as RelayStream from "../../src/pipeline/RelayStream.ts"
import * as Feedback from "../../src/protocol/Feedback.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { StreamDescription } from "../../src/protocol/StreamDescription.ts"
import * as PacketBatch from "../../src/sockets/PacketBatch.ts"
import * as Relay from "./RelayHarness.ts"

const ssrc = 0xc000_0001
const trunkTag = 0x77777777
const otherRelay = 50

/** A relay with a device that gets a video stream of another relay, over a trunk. */
const make = () => {
  const relay = Relay.make(1)
  const device = relay.legs[0]!
  const carrier = RelayLeg.makeTrunk({
    receiveTag: trunkTag,
    sendTag: 1,
    epoch: 9,
    address: Relay.addressOf(otherRelay),
    repair: true
  })
  LegTable.add(relay.forwarding.legs, carrier)
  const source = RelayLeg.makeOnTrunk(carrier, device.call, { receiveTag: 3, sendTag: 4 })
  LegTable.add(relay.forwarding.legs, source)
  const stream = RelayStream.make(new StreamDescription({ ssrc, kind: "video", clockRate: 90000, codec: "srtp" }))
  source.streams = [stream]
  device.sources = [source]
  RelayStream.route(stream, [device], true, 0)

  /** The tags of the frames that ask for a key frame. */
  const asksIn = (sent: ReadonlyArray<Relay.Sent>) =>
    sent
      .filter((frame) => frame.to === otherRelay && Relay.typeOf(frame) === HopFrame.FrameType.Feedback)
      .flatMap(({ bytes }) => {
        const report = Feedback.make()
        const view = new DataView(bytes.buffer)
        const at = HopFrame.trunkHeaderBytes
        assert.isTrue(Feedback.read(view, at, bytes.length - at, report, true))
        if (report.keyFrameCount === 0) return []
        assert.deepStrictEqual([report.keyFrameCount, report.keyFrameSsrcs[0]], [1, ssrc])
        return [HopFrame.legTagAt(view, 0)]
      })
  let reports = 0
  /** The other relay says of all that was sent, from the first on, whether it has arrived. */
  const report = (nowMs: number, arrived: ReadonlyArray<boolean>) => {
    const body = Feedback.make()
    body.arrivalCount = arrived.length
    arrived.forEach((is, n) => (body.arrivalTicks[n] = is ? n : Feedback.notReceived))
    const bytes = new Uint8Array(200)
    const view = new DataView(bytes.buffer)
    const type = HopFrame.typeByte(HopFrame.FrameType.Feedback, 0)
    HopFrame.writeHeader(view, 0, type, 0, reports, 0, 9, trunkTag)
    HopFrame.writeUpperHalves(view, 0, reports++, 0)
    const length = Feedback.write(view, HopFrame.trunkHeaderBytes, 150, body, 0, true)
    const from = Relay.addressOf(otherRelay)
    return asksIn(relay.receive(nowMs, { from, bytes: bytes.slice(0, HopFrame.trunkHeaderBytes + length) }))
  }
  let wishes = 0
  const wish = (nowMs: number) => asksIn(relay.receive(nowMs, Relay.feedback(0, wishes++, { keyFrames: [ssrc] })))
  /** The same while the batch has no room. */
  const wishInVain = (nowMs: number) => {
    const full = PacketBatch.makeSendBatch({ capacity: 0, scratchOffset: 0, scratchBytes: Feedback.frameBytesMax })
    KeyFrames.request(relay.forwarding, source, stream.keyFrames!, nowMs, full)
  }
  return { report, stream, wish, wishInVain }
}

describe("key frames of a call on a trunk", () => {
  it("are asked for again at once when the frame that asked was lost", () => {
    const { report, wish } = make()
    assert.deepStrictEqual(wish(0), [4])
    assert.deepStrictEqual(wish(10), [], "it is on its way")
    assert.deepStrictEqual(report(100, [false]), [4])
    assert.deepStrictEqual(report(200, [false, true]), [])
    assert.deepStrictEqual(wish(300), [], "not so soon after")
    assert.deepStrictEqual(wish(700), [4])
  })

  it("once, when the frames of two requests were lost", () => {
    const { report, wish } = make()
    assert.deepStrictEqual([...wish(0), ...wish(600)], [4, 4])
    assert.deepStrictEqual(report(700, [false, false, false]), [4])
  })

  it("are asked for by the next wish when the batch had no room", () => {
    const { report, wish, wishInVain } = make()
    wishInVain(0)
    assert.deepStrictEqual(wish(10), [4])
    assert.deepStrictEqual(report(100, [true]), [])
  })

  it("are not, when nobody gets the stream any more", () => {
    const { report, stream, wish } = make()
    assert.strictEqual(wish(0).length, 1)
    RelayStream.route(stream, [], false, 50)
    assert.deepStrictEqual(report(100, [false]), [])
  })
})

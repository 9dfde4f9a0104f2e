import { assert, describe, it } from "@effect/vitest"
import * as LayerSelection from "../../src/media/LayerSelection.ts"
import * as LayerRoutes from "../../src/pipeline/LayerRoutes.ts"
import * as Leg from "../../src/media/Leg.ts"
import * as RelayStream from "../../src/pipeline/RelayStream.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as Relay from "./RelayHarness.ts"
import { checkStream, frameMs, makeCall } from "./LayeredCall.ts"

describe("layers at the relay", () => {
  it("each receiver gets the layer that his path has room for, and one alone", () => {
    const call = makeCall(4, 2)
    call.roomBps[1] = 3_000_000
    call.roomBps[2] = 300_000
    // Of the last nothing is known.
    call.run(3000)
    const sinceMs = call.now()
    call.run(2000)
    assert.deepStrictEqual(
      [1, 2, 3].map((receiver) => call.layersOf(receiver, sinceMs)),
      [[1], [0], [0]]
    )
    assert.deepStrictEqual(
      [1, 2].map((receiver) => call.got[receiver]!.filter(({ atMs }) => atMs >= sinceMs).length),
      [200, 50]
    )
    for (const got of call.got) checkStream(got)
  })

  it("goes down and up again as the room changes, and asks each layer once in half a second", () => {
    const call = makeCall(3, 2)
    call.roomBps.fill(3_000_000)
    call.run(3000)
    for (const [roomBps, ms, layer] of [
      [400_000, 1000, 0],
      [3_000_000, 5000, 1],
      [800_000, 3000, 0]
    ] as const) {
      call.roomBps[1] = roomBps
      call.run(ms)
      const sinceMs = call.now()
      call.run(500)
      assert.deepStrictEqual(call.layersOf(1, sinceMs), [layer], `${roomBps} bit/s`)
      assert.deepStrictEqual(call.layersOf(2, sinceMs), [1])
    }
    for (const got of call.got) checkStream(got)
    for (const layer of [0, 1]) {
      const times = call.asked.filter((ask) => ask.layer === layer).map(({ atMs }) => atMs)
      times.forEach((atMs, at) => at > 0 && assert.isAtLeast(atMs - times[at - 1]!, 500))
    }
    assert.isAtMost(call.asked.length, 8)
  })

  it("before anything is known of a path one source begins on it, however much it may take", () => {
    const call = makeCall(2, 2, Infinity, true, 800)
    call.run(500)
    assert.deepStrictEqual(call.layersOf(1, 0), [0])
  })

  it("a layer that the sender stops is left for a lower one", () => {
    const call = makeCall(3, 2)
    call.roomBps.fill(3_000_000)
    call.run(3000)
    call.stopped.add(1)
    call.run(1000)
    const sinceMs = call.now()
    call.run(500)
    assert.deepStrictEqual(call.layersOf(1, sinceMs), [0])
    checkStream(call.got[1]!)
  })

  it("the plan bounds the choice, and takes effect on what flows", () => {
    const call = makeCall(3, 2)
    call.roomBps.fill(3_000_000)
    call.run(3000)
    call.allow((receiver) => (receiver === 1 ? 0 : 1))
    call.run(1000)
    const sinceMs = call.now()
    call.run(1000)
    assert.deepStrictEqual([call.layersOf(1, sinceMs), call.layersOf(2, sinceMs)], [[0], [1]])
    call.allow((receiver) => (receiver === 1 ? -1 : 1))
    const takenMs = call.now()
    call.run(500)
    assert.deepStrictEqual([call.layersOf(1, takenMs), call.layersOf(2, takenMs)], [[], [1]])
    for (const got of call.got) checkStream(got)
  })

  it("a sender who goes on with what nobody is to get any more is forwarded for a second at most, and then not at all", () => {
    const call = makeCall(3, 2)
    call.roomBps.fill(3_000_000)
    call.run(3000)
    // The higher layer is switched off: those who had it get the lower one. Its sender does not care.
    call.allow(undefined, (layer) => layer === 0)
    call.run(LayerSelection.forbiddenMsMax)
    let sinceMs = call.now()
    call.run(3000)
    assert.deepStrictEqual([call.layersOf(1, sinceMs), call.layersOf(2, sinceMs)], [[0], [0]])
    // Now the lower one is, and the higher one is what should come, and does not.
    call.stopped.add(1)
    call.allow(undefined, (layer) => layer === 1)
    call.run(2 * LayerSelection.forbiddenMsMax)
    sinceMs = call.now()
    call.run(3000)
    assert.deepStrictEqual([call.layersOf(1, sinceMs), call.layersOf(2, sinceMs)], [[], []])
    for (const got of call.got) checkStream(got)
  })

  it("a layer that has just been planned begins with its first frame, and nobody has to ask for it", () => {
    const call = makeCall(2, 2)
    call.roomBps.fill(3_000_000)
    call.stopped.add(1)
    call.allow(undefined, (layer) => layer === 0)
    call.run(3000)
    assert.deepStrictEqual(call.layersOf(1, 2000), [0])
    const asked = call.asked.length
    // Its sender begins it with a key frame by himself.
    call.allow(undefined, (layer) => layer === 1)
    call.stopped.add(0)
    call.stopped.delete(1)
    const sinceMs = call.now()
    call.run(500)
    assert.deepStrictEqual(call.layersOf(1, sinceMs), [1])
    assert.isBelow(call.got[1]!.find(({ layer }) => layer === 1)!.atMs - sinceMs, 2 * frameMs)
    assert.strictEqual(call.asked.length, asked)
    checkStream(call.got[1]!)
  })

  it("a plan that changes nothing interrupts nothing, nor does a sender who comes by another leg", () => {
    const call = makeCall(3, 2)
    call.roomBps.fill(3_000_000)
    call.run(3000)
    const [one] = call.legs[1]!.layers
    call.allow()
    assert.strictEqual(call.legs[1]!.layers[0], one)
    assert.deepStrictEqual(call.legs[0]!.streams[1]!.targets, call.legs.slice(1))
    const moved = Relay.make(1, () => call.legs[0]!.streams.map(({ description }) => description)).legs[0]!
    for (const stream of moved.streams) stream.targets = [call.legs[1]!, call.legs[2]!]
    LayerRoutes.connect(
      [{ from: moved, streams: moved.streams.map(({ description }) => description) }],
      call.legs.slice(1),
      0
    )
    assert.deepStrictEqual(
      moved.streams.map(({ targets }) => targets.length),
      [0, 2]
    )
  })

  it("of one layer: without room discardable frames are left out, then all until there is room again", () => {
    const call = makeCall(3, 1, 2, true)
    call.roomBps[1] = 3_000_000
    call.roomBps[2] = 80_000
    call.run(4000)
    const sinceMs = call.now()
    call.run(2000)
    const of = (receiver: number) => call.got[receiver]!.filter(({ atMs }) => atMs >= sinceMs)
    assert.strictEqual(of(1).length, 50)
    assert.isTrue(of(2).every(({ descriptor }) => !HopFrame.isDiscardable(descriptor)))
    assert.strictEqual(of(2).length, 25)
    assert.isAtLeast(call.forwarding.counters.layerDropped, 25)
    call.roomBps[2] = 30_000
    call.run(LayerSelection.pauseAfterMs + 200)
    const pausedMs = call.now()
    call.run(3000)
    assert.deepStrictEqual([call.layersOf(1, pausedMs), call.layersOf(2, pausedMs)], [[0], []])
    call.roomBps[2] = 300_000
    call.run(LayerSelection.resumeAfterMs + 500)
    const resumedMs = call.now()
    call.run(1000)
    assert.strictEqual(call.got[2]!.filter(({ atMs }) => atMs >= resumedMs).length, 25)
    for (const got of call.got) checkStream(got)
    const resumed = call.got[2]!.find(({ atMs }) => atMs >= pausedMs)!
    assert.isTrue(HopFrame.startsKeyFrame(resumed.descriptor) && resumed.hasHole)
  })

  it("without layers: whoever sends it sends less himself, and nothing is left out", () => {
    const call = makeCall(3, 1, 2)
    call.roomBps[1] = 10_000
    call.run(6000)
    for (const receiver of [1, 2]) {
      assert.strictEqual(call.got[receiver]!.length, 150)
      assert.strictEqual(call.legs[receiver]!.layers.length, 0)
    }
  })

  it("what comes on a trunk and was not planned for a time begins anew with a key frame", () => {
    const call = makeCall(2, 2)
    const carrier = RelayLeg.makeTrunk({
      receiveTag: 1,
      sendTag: 2,
      epoch: 0,
      address: Relay.addressOf(9),
      repair: true
    })
    const trunk = RelayLeg.makeOnTrunk(carrier, call.legs[0]!.call, { receiveTag: 3, sendTag: 4 })
    const device = call.legs[1]!
    const streams = call.legs[0]!.streams.map(({ description }) => description)
    trunk.streams = streams.map(RelayStream.make)
    const plan = (planned: ReadonlyArray<number>, nowMs: number) => {
      for (const [layer, stream] of trunk.streams.entries()) {
        RelayStream.route(stream, [device], planned.includes(layer), nowMs)
      }
      LayerRoutes.connect([{ from: trunk, streams }], [device], nowMs)
    }
    plan([0, 1], 0)
    const [one] = device.layers
    assert.isTrue(LayerSelection.handleKeyFrame(Object.assign(one!.selection, { target: 1 }), 1, 10))
    one!.flowing = 1
    plan([0, 1], 100)
    assert.strictEqual(one!.flowing, 1)
    plan([0], 200)
    assert.strictEqual(one!.flowing, 1, "until the other has its key frame")
    plan([0, 1], 300)
    assert.deepStrictEqual([one!.flowing, one!.selection.current], [-1, -1])
  })

  it("of a layer that nobody is to get no key frame is asked for any more", () => {
    const call = makeCall(3, 2)
    call.roomBps.fill(3_000_000)
    call.run(3000)
    call.stopped.add(1)
    const [, high] = call.legs[0]!.streams
    Leg.requestKeyFrame(call.legs[0]!.hop, high!.keyFrames!)
    RelayStream.route(high!, [], false, call.now())
    const asked = call.asked.length
    call.run(2000)
    assert.isFalse(call.asked.slice(asked).some(({ layer }) => layer === 1))
  })

  it("a receiver on whom nothing flows is found by what he could have, and a trunk gets every layer", () => {
    const call = makeCall(3, 2)
    call.run(500)
    assert.deepStrictEqual(call.layersOf(1, 0), [0])
    const carrier = RelayLeg.makeTrunk({
      receiveTag: 1,
      sendTag: 2,
      epoch: 0,
      address: Relay.addressOf(9),
      repair: true
    })
    const trunk = RelayLeg.makeOnTrunk(carrier, call.legs[0]!.call, { receiveTag: 3, sendTag: 4 })
    const [sender, ...devices] = call.legs
    for (const stream of sender!.streams) stream.targets = [...devices, trunk]
    const streams = sender!.streams.map(({ description }) => description)
    LayerRoutes.connect([{ from: sender!, streams }], call.legs, 0)
    assert.deepStrictEqual(
      sender!.streams.map(({ targets }) => targets),
      [[trunk, ...devices], [trunk]]
    )
  })
})

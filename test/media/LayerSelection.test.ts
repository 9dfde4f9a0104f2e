import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LayerSelection from "../../src/media/LayerSelection.ts"
import { dice } from "./LegPair.ts"

const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))
const stepMs = 50
const rates = [150_000, 600_000, 2_500_000]

/** A source whose layers all send, and whose sender gives a key frame one step after it was asked for one. */
const makeSource = (selection: LayerSelection.LayerSelection) => {
  const source = {
    rateBps: rates.slice(0, selection.layers.length),
    /** Of its rate what is left without discardable frames. */
    firmShare: 1,
    isLive: selection.layers.map(() => true),
    nowMs: 0,
    asked: selection.layers.map((): Array<number> => []),
    switches: 0
  }
  let waits = -1
  const step = (roomBps: number): void => {
    source.nowMs += stepMs
    selection.roomBps = roomBps
    selection.layers.forEach((layer, index) => {
      layer.rateBps = source.rateBps[index]!
      layer.firmBps = source.firmShare * layer.rateBps
      if (source.isLive[index] === true) layer.lastPacketAtMs = source.nowMs
    })
    if (waits >= 0 && LayerSelection.handleKeyFrame(selection, waits, source.nowMs)) source.switches++
    waits = LayerSelection.poll(selection, source.nowMs)
    if (waits >= 0) source.asked[waits]!.push(source.nowMs)
  }
  return Object.assign(source, {
    step,
    run: (ms: number, roomBps: number): void => {
      for (let at = 0; at < ms; at += stepMs) step(roomBps)
    }
  })
}

const make = (layers = 3, current = -1) => {
  const selection = LayerSelection.make(layers, current)
  selection.marksKeyFrames = true
  return { selection, source: makeSource(selection) }
}

describe("LayerSelection", () => {
  it("does not begin what cannot be borne, and before the path is known no more than is assumed of it", () => {
    const { selection, source } = make()
    selection.assumedBps = 149_000
    source.run(5000, NaN)
    assert.deepStrictEqual([selection.current, selection.target, selection.wantsMore], [-1, -1, true])
    source.run(5000, 124_000)
    assert.deepStrictEqual([selection.current, selection.target, selection.wantsMore], [-1, -1, true])
    assert.deepStrictEqual(source.asked[0], [])
    source.run(200, 126_000)
    assert.strictEqual(selection.current, 0)
    const other = make()
    other.selection.assumedBps = 151_000
    other.source.run(200, NaN)
    assert.strictEqual(other.selection.current, 0)
  })

  it("begins with the lowest layer while nothing is known, then takes the highest that has room", () => {
    const { selection, source } = make()
    source.run(200, NaN)
    assert.strictEqual(selection.current, 0)
    source.run(200, 650_000)
    assert.strictEqual(selection.current, 0, "600 kbit/s need 660")
    assert.isTrue(selection.wantsMore)
    source.run(200, 670_000)
    assert.strictEqual(selection.current, 1)
    source.run(200, 3_000_000)
    assert.strictEqual(selection.current, 2)
    assert.isFalse(selection.wantsMore)
  })

  it("never takes more than is allowed, and leaves what is not allowed any more", () => {
    const { selection, source } = make()
    selection.allowed = 1
    source.run(500, 9e6)
    assert.strictEqual(selection.current, 1)
    assert.isFalse(selection.wantsMore)
    selection.allowed = 0
    source.run(200, 9e6)
    assert.strictEqual(selection.current, 0)
    selection.allowed = -1
    source.step(9e6)
    assert.strictEqual(selection.current, -1)
  })

  it("on the way down drops discardable frames, or everything, until the lower layer has a key frame", () => {
    const { selection, source } = make()
    source.run(500, 9e6)
    source.firmShare = 0.6
    source.step(1_600_000)
    assert.deepStrictEqual([selection.current, selection.target, selection.dropsDiscardable], [2, 1, true])
    source.step(1_600_000)
    assert.deepStrictEqual([selection.current, selection.target, selection.dropsDiscardable], [1, 1, false])
    source.run(5000, 9e6)
    assert.strictEqual(selection.current, 2)
    source.firmShare = 1
    source.step(1_600_000)
    assert.deepStrictEqual([selection.current, selection.target], [-1, 1])
    source.step(1_600_000)
    assert.strictEqual(selection.current, 1)
  })

  it("stays down for two seconds, and longer after every relapse", () => {
    const { selection, source } = make(2)
    source.run(1000, NaN)
    source.run(200, 700_000)
    assert.strictEqual(selection.current, 1)
    for (const holdMs of [4000, 8000, 16_000, 16_000]) {
      source.run(100, 500_000)
      assert.strictEqual(selection.current, 0)
      source.run(holdMs - 200, 700_000)
      assert.strictEqual(selection.current, 0)
      source.run(300, 700_000)
      assert.strictEqual(selection.current, 1)
    }
    source.run(11_000, 700_000)
    source.run(100, 500_000)
    source.run(2100, 700_000)
    assert.strictEqual(selection.current, 1, "the last way up was long ago")
  })

  it("pauses when not even the lowest layer fits for two seconds, and resumes where a fifth more is free for one", () => {
    const { selection, source } = make(1, 0)
    source.rateBps = [200_000]
    source.firmShare = 0.6
    source.run(5000, 130_000)
    assert.deepStrictEqual([selection.current, selection.dropsDiscardable, selection.isPaused], [0, true, false])
    source.run(5000, 105_000)
    assert.strictEqual(selection.current, 0, "a little too much is borne")
    source.run(1900, 90_000)
    assert.strictEqual(selection.current, 0, "its sender may have been told to send less")
    source.run(200, 90_000)
    assert.deepStrictEqual([selection.current, selection.isPaused, selection.wantsMore], [-1, true, true])
    source.run(5000, 140_000)
    assert.strictEqual(selection.current, -1)
    source.run(900, 150_000)
    assert.strictEqual(selection.current, -1)
    source.run(300, 150_000)
    assert.deepStrictEqual([selection.current, selection.dropsDiscardable], [0, true])
    source.step(250_000)
    assert.isFalse(selection.dropsDiscardable)
  })

  it("does not pause what has never marked a key frame", () => {
    const { selection, source } = make(1, 0)
    selection.marksKeyFrames = false
    source.run(5000, 10_000)
    assert.deepStrictEqual([selection.current, selection.isPaused], [0, false])
  })

  it("leaves a layer that its sender has stopped, and goes on where it was when all have been silent", () => {
    const { selection, source } = make()
    source.run(500, 9e6)
    source.isLive[2] = false
    source.run(400, 9e6)
    assert.strictEqual(selection.current, 2)
    source.run(250, 9e6)
    assert.strictEqual(selection.current, 1)
    source.isLive.fill(false)
    source.run(5000, 9e6)
    assert.deepStrictEqual([selection.current, selection.target], [1, 1])
    source.isLive[1] = true
    source.run(200, 9e6)
    assert.strictEqual(selection.current, 1)
  })

  it.prop("an estimate that wobbles by 5 % makes few switches, wherever it lies", [Seed], ([seed]) => {
    const draw = dice(seed)
    const { selection, source } = make()
    const middleBps = 100_000 + draw() * 3_500_000
    for (let at = 0; at < 60_000; at += stepMs) source.step(middleBps * (0.95 + 0.1 * draw()))
    // Up and down again, each time after twice as long.
    assert.isAtMost(source.switches, 15, `seed ${seed}`)
    const before = source.switches
    for (let at = 0; at < 60_000; at += stepMs) source.step(middleBps * (0.95 + 0.1 * draw()))
    assert.isAtMost(source.switches - before, 10, `seed ${seed}`)
    assert.isAtLeast(selection.target, -1)
  })

  it.prop(
    "whatever happens: no frame before the key frame it is built on, nothing forbidden, few requests",
    [Seed],
    ([seed]) => {
      const draw = dice(seed)
      const layers = 1 + Math.floor(draw() * 3)
      const flows = layers === 1 && draw() < 0.5
      const selection = LayerSelection.make(layers, flows ? 0 : -1)
      selection.marksKeyFrames = draw() < 0.9
      // Whether all has been forwarded that a frame of the layer is built on.
      const isWhole = selection.layers.map(() => flows)
      const lastAskedAtMs = selection.layers.map(() => -Infinity)
      const isLive = selection.layers.map(() => true)
      let roomBps = NaN
      let allowedSinceMs = 0
      for (let nowMs = 0, step = 0; step < 600; step++, nowMs += 1 + Math.floor(draw() * 60)) {
        if (draw() < 0.1) roomBps = draw() < 0.1 ? NaN : 4e6 ** draw() * 30
        if (draw() < 0.02) {
          selection.allowed = Math.floor(draw() * (layers + 1)) - 1
          allowedSinceMs = nowMs
        }
        selection.roomBps = roomBps
        selection.layers.forEach((layer, index) => {
          if (draw() < 0.02) isLive[index] = draw() < 0.7
          layer.rateBps = draw() < 0.05 ? NaN : rates[index]! * (0.5 + draw())
          layer.firmBps = layer.rateBps * (0.4 + 0.6 * draw())
          if (isLive[index] !== true) return
          layer.lastPacketAtMs = nowMs
          const isKey = draw() < 0.2
          if (isKey) LayerSelection.handleKeyFrame(selection, index, nowMs)
          const isForwarded = selection.current === index
          if (isForwarded) assert.isTrue(isKey || isWhole[index], `seed ${seed}, step ${step}`)
          isWhole[index] = isForwarded && (isKey || isWhole[index]!)
        })
        const asked = LayerSelection.poll(selection, nowMs)
        const { allowed, current, target } = selection
        if (asked >= 0) {
          assert.isAtLeast(nowMs - lastAskedAtMs[asked]!, LayerSelection.askEveryMs, `seed ${seed}`)
          assert.strictEqual(asked, target)
          lastAskedAtMs[asked] = nowMs
        }
        assert.isTrue(current >= -1 && current < layers && target >= -1 && target < layers)
        assert.isAtMost(target, allowed, `seed ${seed}`)
        if (nowMs - allowedSinceMs > LayerSelection.forbiddenMsMax) assert.isAtMost(current, allowed, `seed ${seed}`)
      }
    }
  )
})

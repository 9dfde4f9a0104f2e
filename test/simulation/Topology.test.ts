import { assert, describe, it } from "@effect/vitest"
import * as AudioSource from "../../src/simulation/AudioSource.ts"
import * as LossProcess from "../../src/simulation/LossProcess.ts"
import * as Samples from "../../src/simulation/Samples.ts"
import * as Topology from "../../src/simulation/Topology.ts"

const callMs = 10_000

const run = (options: Omit<Topology.Options, "seed">): Topology.Call => {
  const call = Topology.make({ seed: "topology", videoBps: 500_000, playoutDelayMs: 200, ...options })
  Topology.runUntil(call, callMs)
  Topology.finish(call)
  return call
}

const topologies = {
  passive: { kind: "passive", delaysMs: [20, 130] },
  active: { kind: "active", delaysMs: [20, 130] },
  tandem: { kind: "tandem", delaysMs: [20, 90, 40] }
} as const satisfies Record<string, Topology.Topology>

describe("Topology", () => {
  it("brings everything to the other end, in time, over good links", () => {
    for (const topology of Object.values(topologies)) {
      const { a, b } = run({ topology })
      for (const [from, to] of [
        [a, b],
        [b, a]
      ] as const) {
        const [audio, video] = to.receiving
        // What was sent in the last 150 ms is still on its way, and in the last 200 ms not played.
        assert.isAtLeast(audio!.packets, from.sending[0]!.packets - 8)
        assert.isAtLeast(video!.freezes.frames, callMs / (1000 / 30) - 12)
        assert.strictEqual(video!.freezes.freezes, 0)
        assert.strictEqual(audio!.stalls.concealedMs, 0)
        assert.strictEqual(from.video.keyFrames, 1)
        assert.closeTo(Samples.quantile(audio!.delaysMs, 0.5), 150 + 200, 1)
      }
    }
  })

  it("repairs each hop by itself: what is lost on the trunk is asked for by the other relay", () => {
    const call = run({
      topology: topologies.tandem,
      trunk: { loss: LossProcess.named.random2 },
      audio: AudioSource.continuous,
      protects: false
    })
    for (const name of ["trunk-ab", "trunk-ba"] as const) {
      const repairs = call.repairsMs.get(name)!
      assert.isAbove(repairs.count, 5)
      assert.closeTo(Samples.quantile(repairs, 0.5), 180, 12)
    }
    for (const name of ["a-up", "a-down", "b-up", "b-down"] as const) {
      assert.strictEqual(call.repairsMs.get(name)!.count, 0)
    }
  })

  it("leaves repair to the devices where the relay is passive", () => {
    const { a, b, relays } = run({
      topology: topologies.passive,
      access: { loss: LossProcess.named.random2 },
      protects: false
    })
    assert.strictEqual(relays.length, 0)
    for (const { leg, repairs } of [a, b]) {
      assert.closeTo(leg.roundTrip.smoothedMs!, 300, 2)
      assert.closeTo(Samples.quantile(repairs.repairsMs, 0.5), 300, 5)
    }
  })

  it("asks the camera for a key frame, through all relays, after what could not be repaired", () => {
    const outage = { kind: "outages", firstAtMs: 3000, lengthMs: 2500, everyMs: Infinity, lossRatio: 1 } as const
    for (const topology of Object.values(topologies)) {
      const { a, b } = run({ topology, links: { "b-down": { loss: outage } } })
      assert.isAtLeast(a.video.keyFrames, 2)
      assert.strictEqual(b.video.keyFrames, 1)
      const { freezes } = b.receiving[1]!
      assert.isAtLeast(freezes.freezes, 1)
      assert.isAtLeast(freezes.freezeMs, 2500)
      assert.isBelow(freezes.freezeMs, 4000)
      assert.isAbove(freezes.lastAtMs, 9500)
    }
  })

  it("queues in front of a bottleneck, and drops what it does not take", () => {
    const rate = { kind: "constant", rateBps: 300_000 } as const
    const call = run({ topology: topologies.active, links: { "a-up": { rate } } })
    const { counters } = call.links.get("a-up")!
    assert.isAbove(counters.droppedQueueFull, 100)
    assert.isAbove(Samples.quantile(counters.sojournsMs, 0.5), 200)
    assert.strictEqual(call.links.get("b-up")!.counters.droppedQueueFull, 0)
  })
})

/** Of video, in steps of half a second, from the sender's encoder. */
const encoded = (topology: Topology.Topology, untilMs: number) => {
  const steps = [
    { fromMs: 0, rateBps: 600_000 },
    { fromMs: 10_000, rateBps: 3_000_000 }
  ]
  const call = Topology.make({
    seed: "rates",
    topology,
    audio: AudioSource.continuous,
    access: { queue: { kind: "time", ms: 300 } },
    links: { "a-up": { rate: { kind: "constant", rateBps: 5_000_000 } }, "b-down": { rate: { kind: "steps", steps } } },
    devices: { a: { videoBps: 1, videoMaxBps: 5_000_000 }, b: { videoBps: 0 } }
  })
  const bps: Array<number> = []
  const withheld: Array<number> = []
  const hop = call.relays.at(-1)!.forwarding.legs.legs.find((leg) => leg?.participant === "device 2")!.hop
  for (let atMs = 500; atMs <= untilMs; atMs += 500) {
    Topology.runUntil(call, atMs)
    bps.push(call.a.video.rateBps)
    withheld.push(hop.send.packetsWithheld)
  }
  return { bps, withheld }
}

describe("a receiver behind a narrow path", () => {
  for (const topology of [topologies.active, topologies.tandem]) {
    it(`makes its sender slower, and fast again when the path is wide: ${topology.kind}`, () => {
      const { bps, withheld } = encoded(topology, 20_000)
      // From 2 s on, until the path is wide.
      const narrow = bps.slice(3, 20)
      // Whoever looks for more finds the limit by going over it.
      assert.isBelow(Math.max(...narrow), 660_000)
      assert.isBelow(narrow.reduce((sum, rate) => sum + rate, 0) / narrow.length, 600_000)
      assert.isAbove(Math.max(...narrow.slice(-6)), 350_000)
      assert.strictEqual(withheld[19]! - withheld[3]!, 0)
      assert.isAbove(Math.max(...bps.slice(20, 34)), 1_500_000)
    })
  }
})

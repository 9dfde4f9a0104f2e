import { assert, describe, it } from "@effect/vitest"
import * as GeneratedTrace from "../../src/simulation/GeneratedTrace.ts"
import * as Link from "../../src/simulation/Link.ts"
import * as LossProcess from "../../src/simulation/LossProcess.ts"
import * as Topology from "../../src/simulation/Topology.ts"

const topologies = {
  passive: { kind: "passive", delaysMs: [75, 75] },
  active: { kind: "active", delaysMs: [75, 75] },
  tandem: { kind: "tandem", delaysMs: [45, 60, 45] }
} as const satisfies Record<string, Topology.Topology>

/** All that a call has measured, after 5 s on bad links. */
const figures = (seed: string, topology: Topology.Topology) => {
  const trace = GeneratedTrace.generate(GeneratedTrace.lte, seed, "cell")
  const call = Topology.make({
    seed,
    topology,
    access: { loss: LossProcess.named.bursts120, jitterMs: 4, reorders: true },
    links: { "b-down": { rate: { kind: "trace", trace } } }
  })
  Topology.runUntil(call, 5_000)
  Topology.finish(call)
  return {
    events: call.heap.scheduled,
    links: [...call.links].map(([name, { counters }]) => [name, counters.packets, counters.bytes, counters.lost]),
    repairs: [...call.repairsMs].map(([name, { count, sum }]) => [name, count, sum]),
    roundTrips: [call.a.leg.roundTrip.smoothedMs, call.b.leg.roundTrip.smoothedMs],
    played: [...call.a.receiving, ...call.b.receiving].map(({ delaysMs, freezes, ordered, stalls }) => [
      delaysMs.sum,
      freezes.frames,
      freezes.freezeMs,
      stalls.concealedMs,
      ordered.packetsMissed
    ])
  }
}

describe("one seed makes a run", () => {
  it("the same figures for the same seed, to the last bit, and others for another", () => {
    for (const topology of Object.values(topologies)) {
      const once = figures("one", topology)
      assert.deepStrictEqual(figures("one", topology), once)
      assert.notDeepEqual(figures("two", topology), once)
    }
  })

  // Of links and dice alone: the modules that calls are made of are not to be kept from changing.
  it("the same times as on the machine on which this was written", () => {
    const trace = GeneratedTrace.generate(GeneratedTrace.lte, "golden", "cell")
    const link = Link.make(
      { ...Link.perfect, rate: { kind: "trace", trace }, loss: LossProcess.named.bursts120, delayMs: 40, jitterMs: 4 },
      "golden",
      "a-up"
    )
    const arrivals = Array.from({ length: 20_000 }, (_, i) => Link.send(link, i * 3, 500 + ((i * 37) % 700)))
    const { droppedQueueFull, lost } = link.counters
    const sum = arrivals.reduce((total, timeMs) => total + timeMs, 0)
    const measured = [trace.timesMs.length, lost, droppedQueueFull, arrivals.at(-1), sum]
    assert.deepStrictEqual(measured, [19073, 325, 1276, 60065.46333771665, 558720393.6005694])
  })

  it("the same losses on the access links of all topologies, and the same words", () => {
    const losses = Object.values(topologies).map((topology) => {
      const call = Topology.make({
        seed: "pair",
        topology,
        access: { loss: LossProcess.named.bursts120 },
        videoBps: 300_000
      })
      Topology.runUntil(call, 20_000)
      const { isBad, sojourns, untilMs } = call.links.get("a-up")!.losses.states!
      return { isBad, sojourns, untilMs, words: call.a.audio }
    })
    assert.deepStrictEqual(losses[1], losses[0])
    assert.deepStrictEqual(losses[2], losses[0])
  })
})

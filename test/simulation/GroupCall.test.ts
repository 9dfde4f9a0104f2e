import { assert, describe, it } from "@effect/vitest"
import * as GroupCall from "../../src/simulation/GroupCall.ts"
import * as GroupRun from "../../src/simulation/GroupRun.ts"
import * as Link from "../../src/simulation/Link.ts"

describe("a group", () => {
  it("of any size on any number of relays hears and sees everybody once", () => {
    for (const [people, relays] of [
      [3, 1],
      [4, 2],
      [7, 4]
    ] as const) {
      const link = { ...Link.perfect, delayMs: 10 }
      const call = GroupCall.make({ seed: "group", people, relays, access: link, trunk: link, videoBps: 100_000 })
      GroupCall.run(call, 1000)
      for (const { node, receiving } of call.devices) {
        assert.strictEqual(receiving.length, 2 * (people - 1))
        for (const { description, freezes, ordered, packets } of receiving) {
          const sender = call.devices[description.ssrc & 0xff]!
          const sent = sender.sending.find((stream) => stream.description.ssrc === description.ssrc)!
          assert.isAtMost(packets, sent.packets)
          assert.isAtLeast(packets, sent.packets - 6, `${node.number} of ${sender.node.number}`)
          assert.strictEqual(ordered.packetsMissed, 0)
          if (description.kind === "video") assert.isAtLeast(freezes.frames, 24)
        }
      }
      for (const { forwarding } of call.relays) {
        const { duplicate, undeclaredStream, unknownLegTag, wrongAddress } = forwarding.counters.dropped
        assert.deepStrictEqual([duplicate, undeclaredStream, unknownLegTag, wrongAddress], [0, 0, 0, 0])
      }
    }
  })

  it("of ten gives the same bytes for the same seed, and on the link audio waits for next to no video", () => {
    const report = GroupRun.run("1", 1500)
    assert.strictEqual(JSON.stringify(GroupRun.run("1", 1500)), JSON.stringify(report))
    assert.notStrictEqual(JSON.stringify(GroupRun.run("2", 1500)), JSON.stringify(report))
    assert.strictEqual(report.devices.length, 10)
    for (const { p99Ms, packets } of report.audioWaits) {
      assert.isAbove(packets, 100)
      assert.isBelow(p99Ms, 5)
    }
  })
})

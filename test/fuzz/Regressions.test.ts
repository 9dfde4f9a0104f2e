import { describe, it } from "@effect/vitest"
import * as ReceiveLeg from "../../src/media/ReceiveLeg.ts"
import { checkImpairment } from "./bytes/TextTarget.ts"
import * as LegTarget from "./operations/LegTarget.ts"
import * as ReportTarget from "./operations/ReportTarget.ts"
import * as WholeCallTarget from "./operations/WholeCallTarget.ts"

/**
 * What the fuzzers have found, made small. Each case stands here as it is, with the target and the seed that found it: the
 * same seed makes another case as soon as a target draws another number.
 */

const checkLeg = (input: Parameters<typeof LegTarget.checkWith>[0]) =>
  LegTarget.checkWith(input, ReceiveLeg.handleFrame)

describe("found by impairments, seed 1, case 3719", () => {
  it("a delay of so many digits that it is no number any more", () => {
    for (const key of ["delay", "jitter"]) checkImpairment(`${key}=${"9".repeat(400)}s`)
    checkImpairment(`rate=${"9".repeat(400)}bps`)
  })
})

describe("found by leg, seed 1, case 0", () => {
  it("a minute's standstill was taken for the round trip, and for as long nothing was sent again", () => {
    checkLeg({
      seed: 533163484,
      sequenceStart: 65520,
      operations: [
        { op: "send", from: "right", kind: "audio", count: 15, everyMs: 1, lengthBytes: 100 },
        { op: "stall", ms: 60_000 },
        { op: "network", network: { latencyMs: 15, jitterMs: 10, lossRatio: 0.5, duplicateRatio: 0, reorderRatio: 0 } },
        { op: "send", from: "right", kind: "video", count: 60, everyMs: 10, lengthBytes: 100 }
      ]
    })
  })
})

describe("found by leg, seed 1, case 1626, and seed 77, case 733", () => {
  it("two late resends after a hole too large to repair took the window back, and what followed was lost or came twice", () => {
    for (const seed of [124312961, 1, 2, 3]) {
      checkLeg({
        seed,
        sequenceStart: 32736,
        operations: [
          {
            op: "network",
            network: { latencyMs: 4, jitterMs: 5, lossRatio: 0.9, duplicateRatio: 0, reorderRatio: 0.05 }
          },
          { op: "send", from: "left", kind: "video", count: 60, everyMs: 1, lengthBytes: 1188 },
          { op: "blackout", ms: 300, at: ["left"], packets: 1100 },
          { op: "send", from: "left", kind: "video", count: 30, everyMs: 1, lengthBytes: 1188 }
        ]
      })
    }
  })
})

describe("found by reports, seed 1, case 55", () => {
  it("a frame that had been reported was new again after the list of arrivals had grown", () => {
    ReportTarget.check({
      firstHop: 65520,
      operations: [
        { op: "send", frames: 500, everyMs: 20 },
        { op: "arrive", back: 63, frames: 1 },
        { op: "send", frames: 65, everyMs: 20 },
        { op: "send", frames: 10, everyMs: 1 },
        { op: "arrive", back: 200, frames: 2 },
        { op: "arrive", back: 63, frames: 64 },
        { op: "arrive", back: 200, frames: 1 }
      ]
    })
  })
})

describe("found by whole-calls", () => {
  const cut = { lossRatio: 1 }

  it("seed 1, case 228: a device that nothing reached for 15 s never learned who had joined meanwhile", () =>
    WholeCallTarget.check({
      seed: 417956338,
      operations: [
        { op: "join", device: 0, call: 0 },
        { op: "join", device: 1, call: 0 },
        { op: "vanish", device: 3 },
        { op: "link", device: 0, way: "both", options: cut },
        { op: "restart", device: 1 },
        { op: "pass", ms: 8000 }
      ]
    }))

  it("seed 1, case 6: nobody could join after the relay's clock was set back", () =>
    WholeCallTarget.check({
      seed: 482438813,
      operations: [
        { op: "stepClock", ms: -50_000 },
        { op: "join", device: 3, call: 1 }
      ]
    }))
})

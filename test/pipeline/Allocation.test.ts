import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as Path from "node:path"
import { promisify } from "node:util"
import type { TestContext } from "vitest"
import { skip } from "../interop/Tools.ts"
import type * as Program from "./AllocationProgram.ts"

const program = Path.join(import.meta.dirname, "AllocationProgram.ts")

/** What the program has measured; the test is skipped where it cannot. */
const measure = async <Report>(context: TestContext, part: "forwarding" | "sockets"): Promise<Report> => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, part])
  const report = JSON.parse(stdout) as Report | { readonly reason: string }
  if (typeof report === "object" && report !== null && "reason" in report) return skip(context, report.reason)
  return report as Report
}

/** Half of this is the load's own share and what feedback costs; a single object is 16 at least. Bytes for each packet. */
const bytesPerPacketMax = 4

/** Measured are 11 to 15 for each packet: some objects of Effect for each batch. Bytes. */
const socketBytesPerPacketMax = 60

/** Ten million packets take 8 seconds, and more where others use the machine. Milliseconds. */
const timeoutMs = 60_000

describe("what the packet path allocates", () => {
  it(
    "nothing for each packet: audio and video with gaps, feedback, resends and polls, to one and to seven",
    async (context) => {
      const report = await measure<Program.ForwardingReport>(context, "forwarding")
      for (const [name, load] of Object.entries(report)) {
        assert.strictEqual(load.dropped + load.overflowed, 0, name)
        for (const count of [load.feedbackIn, load.repairedIn, load.resent]) assert.isAbove(count, 1000, name)
        assert.strictEqual(load.mediaOut, load.mediaIn * (name === "fanOut" ? 7 : 1), name)
      }
      const { withObjects, ...real } = report
      for (const [name, { bytesPerPacket }] of Object.entries(real)) {
        assert.isBelow(bytesPerPacket, bytesPerPacketMax, `${name}: bytes for each packet`)
      }
      assert.isAbove(withObjects.bytesPerPacket, 16, "one object for each packet has to be seen")
    },
    timeoutMs
  )

  it(
    "little for each batch of the batched socket",
    async (context) => {
      const report = await measure<Program.SocketReport>(context, "sockets")
      assert.strictEqual(report.received, 5 * 100_032)
      assert.isBelow(report.bytesPerPacket, socketBytesPerPacketMax, `bytes for each packet, ${report.batches} batches`)
    },
    timeoutMs
  )
})

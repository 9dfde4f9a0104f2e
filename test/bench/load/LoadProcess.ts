import type { LoadAnswer, LoadOrder } from "./LoadOrder.ts"
import * as LoadRun from "./LoadRun.ts"
import * as LoadStay from "./LoadStay.ts"

/** The load generator, a process of its own: carries out one order after the other of whoever has started it. */
const carryOut = async (order: LoadOrder): Promise<LoadAnswer> => {
  try {
    if (order.order === "run") return { answer: "report", report: await LoadRun.run(order) }
    await LoadStay.stay(order)
    return { answer: "here" }
  } catch (error) {
    return { answer: "failure", message: error instanceof Error ? error.message : String(error) }
  }
}

process.on("message", async (order: LoadOrder) => process.send!(await carryOut(order)))
process.on("disconnect", () => process.exit(0))

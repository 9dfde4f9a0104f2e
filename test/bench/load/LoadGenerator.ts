import * as PinnedProcess from "../PinnedProcess.ts"
import type { LoadAnswer, LoadOrder, RunOrder, RunReport, StayOrder } from "./LoadOrder.ts"

const program = `${import.meta.dirname}/LoadProcess.ts`

/** The load generator as seen from the benchmark: a process on a core of its own. It takes one order at a time. */
export interface LoadGenerator {
  readonly run: (order: Omit<RunOrder, "order">) => Promise<RunReport>
  /** Ends when all are in their calls. */
  readonly stay: (order: Omit<StayOrder, "order">) => Promise<void>
  readonly end: () => Promise<void>
}

export const start = (core: number | undefined): LoadGenerator => {
  const load = PinnedProcess.start({ name: "the load generator", command: [process.execPath, program], core })
  const carryOut = async (order: LoadOrder) => {
    const answered = PinnedProcess.nextMessage<LoadAnswer>(load)
    load.child.send(order)
    const answer = await answered
    if (answer.answer === "failure") throw new Error(`the load generator failed: ${answer.message}`)
    return answer
  }
  return {
    run: async (order) => {
      const answer = await carryOut({ order: "run", ...order })
      if (answer.answer !== "report") throw new Error("the load generator has no report of its run")
      return answer.report
    },
    stay: async (order) => void (await carryOut({ order: "stay", ...order })),
    end: () => PinnedProcess.end(load)
  }
}

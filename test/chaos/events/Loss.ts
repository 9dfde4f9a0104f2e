import { setTimeout as sleep } from "node:timers/promises"
import * as CallPlan from "../CallPlan.ts"
import { type ChaosEvent, nowMs } from "../ChaosEvent.ts"
import * as Firewall from "../fleet/Firewall.ts"
import * as Dice from "../../fuzz/Dice.ts"
import { hostOf } from "../generator/Member.ts"

const lastsMs = 60_000
const lossRatio = 0.1
const burstMs = 250
/** Every device has a burst in this time, in an order that the dice make. Milliseconds. */
const burstEveryMs = 10_000
const stepMs = 500

/** A minute of random loss, and of bursts that hit every device several times. Nobody dies. */
export const loss: ChaosEvent = {
  name: "loss",
  setting: "cluster",
  limits: { movesFalseMax: 1, nobodyUntouched: true },
  watchMs: 3000,
  strike: async ({ calls, draw }) => {
    const sinceMs = nowMs()
    const hosts = CallPlan.membersOf(calls).map(({ member }) => hostOf(member))
    Firewall.lose(lossRatio)
    const steps = burstEveryMs / stepMs
    let order: ReadonlyArray<string> = []
    for (let step = 0; step < lastsMs / stepMs; step++) {
      if (step % steps === 0) order = Dice.shuffled(draw, hosts)
      Firewall.burst(
        order.filter((_, place) => place % steps === step % steps),
        burstMs
      )
      await sleep(Math.max(0, sinceMs + (step + 1) * stepMs - nowMs()))
    }
    Firewall.loseNothing()
    return {
      sinceMs,
      classOf: () => "affected",
      note: `${lossRatio * 100} % of what devices send and receive, and for each ${lastsMs / burstEveryMs} bursts of ${burstMs} ms both ways`
    }
  },
  repair: async () => Firewall.loseNothing()
}

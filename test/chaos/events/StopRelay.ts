import { setTimeout as sleep } from "node:timers/promises"
import { type ChaosEvent, hitting, nowMs } from "../ChaosEvent.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"
import * as Dice from "../../fuzz/Dice.ts"

const stoppedMs = 10_000

/** SIGSTOP of one relay for ten seconds: nothing of it runs, and its connections stay open. Then it wakes. */
export const stopRelay: ChaosEvent = {
  name: "stop-relay",
  setting: "cluster",
  limits: { gapP95Ms: 700, gapMaxMs: 1500 },
  // Whatever it does when it wakes, it does it by then.
  watchMs: 4000,
  strike: async (scene) => {
    const victim = Dice.pick(scene.draw, scene.fleet.relays)
    const sinceMs = nowMs()
    RelayProcess.signal(victim, "SIGSTOP")
    await sleep(stoppedMs)
    RelayProcess.signal(victim, "SIGCONT")
    return { sinceMs, classOf: hitting(scene, new Set([victim.place])) }
  },
  repair: async ({ fleet }) => fleet.relays.forEach((relay) => RelayProcess.signal(relay, "SIGCONT"))
}

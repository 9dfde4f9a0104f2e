import { type ChaosEvent, hitting, nowMs } from "../ChaosEvent.ts"
import * as Fleet from "../fleet/Fleet.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"
import * as Dice from "../../fuzz/Dice.ts"

/** kill -9 of one relay. */
export const killRelay: ChaosEvent = {
  name: "kill-relay",
  setting: "cluster",
  limits: { gapP95Ms: 700, gapMaxMs: 1500 },
  watchMs: 6000,
  strike: async (scene) => {
    const victim = Dice.pick(scene.draw, scene.fleet.relays)
    const sinceMs = nowMs()
    await RelayProcess.kill(victim)
    return { sinceMs, classOf: hitting(scene, new Set([victim.place])) }
  },
  repair: ({ fleet }) => Fleet.restart(fleet)
}

import { type ChaosEvent, hitting, nowMs } from "../ChaosEvent.ts"
import * as Fleet from "../fleet/Fleet.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"
import * as Dice from "../../fuzz/Dice.ts"

/** SIGTERM of one relay, which sends its devices away and goes when they have gone. */
export const sigtermRelay: ChaosEvent = {
  name: "sigterm-relay",
  setting: "cluster",
  limits: { gapP95MsAboveBaseline: 60 },
  watchMs: 3000,
  strike: async (scene) => {
    const victim = Dice.pick(scene.draw, scene.fleet.relays)
    const sinceMs = nowMs()
    const tookMs = await RelayProcess.stop(victim)
    return {
      sinceMs,
      classOf: hitting(scene, new Set([victim.place])),
      note: `gone after ${Math.round(tookMs)} ms`
    }
  },
  repair: ({ fleet }) => Fleet.restart(fleet)
}

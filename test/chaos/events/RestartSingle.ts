import { type ChaosEvent, nowMs } from "../ChaosEvent.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"

/** kill -9 of the only relay, and its next start, with the same file. */
export const restartSingle: ChaosEvent = {
  name: "restart-single",
  setting: "single",
  // From the open port on.
  limits: { gapP95Ms: 1500, nobodyUntouched: true },
  watchMs: 6000,
  strike: async ({ fleet }) => {
    const [relay] = fleet.relays
    const killedAtMs = nowMs()
    await RelayProcess.kill(relay!)
    await RelayProcess.start(relay!)
    const sinceMs = nowMs()
    return {
      sinceMs,
      classOf: () => "affected",
      note: `gaps are counted from when the relay is ready again, ${Math.round(sinceMs - killedAtMs)} ms after its death`
    }
  },
  repair: async ({ fleet }) => {
    if (RelayProcess.hasEnded(fleet.relays[0]!)) await RelayProcess.start(fleet.relays[0]!)
  }
}

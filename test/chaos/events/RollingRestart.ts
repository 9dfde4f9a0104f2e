import { setTimeout as sleep } from "node:timers/promises"
import { type ChaosEvent, nowMs } from "../ChaosEvent.ts"
import * as Fleet from "../fleet/Fleet.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"

/** A new relay is known to all others by then. Milliseconds. */
const betweenMs = 2000

/** All relays, one after the other: SIGTERM, and the next one when it is back. */
export const rollingRestart: ChaosEvent = {
  name: "rolling-restart",
  setting: "cluster",
  limits: { gapP95MsAboveBaseline: 60, nobodyUntouched: true },
  watchMs: 3000,
  strike: async ({ fleet }) => {
    const sinceMs = nowMs()
    for (const relay of fleet.relays) {
      await RelayProcess.stop(relay)
      await RelayProcess.start(relay)
      await sleep(betweenMs)
    }
    return { sinceMs, classOf: () => "affected" }
  },
  repair: ({ fleet }) => Fleet.restart(fleet)
}

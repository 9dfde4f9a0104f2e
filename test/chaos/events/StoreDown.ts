import { setTimeout as sleep } from "node:timers/promises"
import * as Dice from "../../fuzz/Dice.ts"
import { type ChaosEvent, nowMs } from "../ChaosEvent.ts"
import * as Metrics from "../fleet/Metrics.ts"
import * as Probes from "./Probes.ts"

const downMs = 10_000
/** Somebody joins then. Milliseconds. */
const joinAfterMs = 1000
/** Once it is back a join is granted by then. Milliseconds. */
const backMs = 5000

/**
 * The database stands still for ten seconds, with all connections to it. A device that joins asks all relays in turn, so
 * that it is refused several times before it is told or granted anything: the relays count that.
 */
export const storeDown: ChaosEvent = {
  name: "store-down",
  setting: "cluster",
  limits: { gapMaxMs: 120, timeP95Ms: backMs, nobodyUntouched: true },
  notHere: ({ fleet }) =>
    fleet.database.pause === undefined ? "a file does not go away: --store postgres" : undefined,
  watchMs: 3000,
  strike: async (scene) => {
    const { database, relays } = scene.fleet
    const call = Dice.integer(scene.draw, 0, scene.calls.length - 1)
    const relay = Dice.pick(scene.draw, relays).place
    const refusedBefore = await Metrics.refused(relays)

    const sinceMs = nowMs()
    await database.pause!()
    await sleep(joinAfterMs)
    let isBack = false
    const joining = Probes.join(scene, [call], relay).then(([answer]) => ({ ...answer!, isEarly: !isBack }))
    await sleep(Math.max(0, sinceMs + downMs - nowMs()))
    const refusals = (await Metrics.refused(relays)) - refusedBefore
    await database.resume()
    isBack = true
    const backAfterMs = await Probes.untilGranted(scene, call, relay, 2 * backMs)
    const { isEarly, refusal } = await joining
    return {
      sinceMs,
      classOf: () => "affected",
      timesMs: [backAfterMs],
      broken: [
        ...(isEarly && refusal === undefined ? ["a join was granted that cannot have been saved"] : []),
        ...(refusals === 0 ? ["a join was not refused"] : [])
      ],
      note: `refusals meanwhile: ${refusals}; times are until a join is granted again`
    }
  },
  repair: async ({ fleet }) => fleet.database.resume()
}

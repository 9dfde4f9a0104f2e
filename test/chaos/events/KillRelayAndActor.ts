import { type ChaosEvent, hitting, nowMs } from "../ChaosEvent.ts"
import * as Fleet from "../fleet/Fleet.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"
import * as ActorHosts from "./ActorHosts.ts"

/** kill -9 of a relay that has members and the actor of the same calls: those are who counts as affected. */
export const killRelayAndActor: ChaosEvent = {
  name: "kill-relay-and-actor",
  setting: "cluster",
  limits: { gapP95Ms: 700, gapMaxMs: 1500 },
  watchMs: 6000,
  strike: async (scene) => {
    const hosts = await ActorHosts.read(scene)
    const callsWithBoth = (place: number) =>
      scene.calls.filter(({ call, members }) => hosts.get(call) === place && members.some((m) => m.relay === place))
    const place = ActorHosts.busiest(scene, (place) => callsWithBoth(place).length)
    const withBoth = new Set(callsWithBoth(place).map(({ call }) => call))
    const hit = hitting(scene, new Set([place]))
    const sinceMs = nowMs()
    await RelayProcess.kill(scene.fleet.relays[place]!)
    return {
      sinceMs,
      classOf: (flow) => (hit(flow) === "affected" && !withBoth.has(flow.sender.call) ? "bystander" : hit(flow)),
      note: `${withBoth.size} calls had a member and their actor there`
    }
  },
  repair: ({ fleet }) => Fleet.restart(fleet)
}

import { type ChaosEvent, nowMs } from "../ChaosEvent.ts"
import * as Fleet from "../fleet/Fleet.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"
import * as ActorHosts from "./ActorHosts.ts"
import * as Probes from "./Probes.ts"

/**
 * kill -9 of the node that runs the actor of calls of which it has no member. Those calls are who counts as affected: their
 * media goes on as if nothing had happened, and they answer again soon.
 */
export const killActorNode: ChaosEvent = {
  name: "kill-actor-node",
  setting: "cluster",
  limits: { gapMaxMs: 120, timeP95Ms: 1000 },
  watchMs: 4000,
  strike: async (scene) => {
    const hosts = await ActorHosts.read(scene)
    const callsWithActorOnly = (place: number) =>
      scene.calls.filter(({ call, members }) => hosts.get(call) === place && members.every((m) => m.relay !== place))
    const place = ActorHosts.busiest(scene, (place) => callsWithActorOnly(place).length)
    const decided = callsWithActorOnly(place)
    const withActorOnly = new Set(decided.map(({ call }) => call))
    const sinceMs = nowMs()
    await RelayProcess.kill(scene.fleet.relays[place]!)
    const alive = (place + 1) % scene.fleet.relays.length
    const answers = await Probes.join(scene, [...withActorOnly], alive)
    return {
      sinceMs,
      classOf: ({ receiver, sender }) => {
        if (withActorOnly.has(sender.call)) return "affected"
        const isHit = scene.calls[sender.call]!.members.some(({ relay }) => relay === place)
        return isHit || receiver.relay === place ? "bystander" : "untouched"
      },
      timesMs: answers.map(({ elapsedMs }) => elapsedMs),
      broken: Probes.refusals(answers),
      note: `${withActorOnly.size} calls had their actor there, and no member; times are of one join to each`
    }
  },
  repair: ({ fleet }) => Fleet.restart(fleet)
}

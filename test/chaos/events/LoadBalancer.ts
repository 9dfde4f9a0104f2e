import { type ChaosEvent, nowMs } from "../ChaosEvent.ts"
import * as Firewall from "../fleet/Firewall.ts"
import * as Fleet from "../fleet/Fleet.ts"
import * as RelayProcess from "../fleet/RelayProcess.ts"
import * as Dice from "../../fuzz/Dice.ts"
import { hostOf } from "../generator/Member.ts"

/** kill -9 of a relay behind a load balancer, which sends its flows to the others at once. The devices do nothing. */
export const loadBalancer: ChaosEvent = {
  name: "load-balancer",
  setting: "balanced",
  limits: { gapP95Ms: 500, movesMax: 0 },
  watchMs: 6000,
  strike: async (scene) => {
    const { relays } = scene.fleet
    const flows = Firewall.balancedFlows()
    const victim = Dice.pick(
      scene.draw,
      relays.filter(({ station }) => [...flows.values()].includes(station.host))
    )
    const isThere = (member: number) => flows.get(hostOf(member)) === victim.station.host
    const sinceMs = nowMs()
    // The balancer does not wait until the system has cleared away what was left of the process.
    const killed = RelayProcess.kill(victim)
    Firewall.balance(relays.filter((relay) => relay !== victim).map(({ station }) => station))
    Firewall.forgetFlowsTo(victim.station)
    await killed
    return {
      sinceMs,
      classOf: ({ receiver, sender }) => {
        if (isThere(sender.member) || isThere(receiver.member)) return "affected"
        return scene.calls[sender.call]!.members.some(({ member }) => isThere(member)) ? "bystander" : "untouched"
      },
      note: `of ${flows.size} flows, ${[...flows.values()].filter((host) => host === victim.station.host).length} were sent to the relay that died`
    }
  },
  repair: async ({ fleet }) => {
    await Fleet.restart(fleet)
    Firewall.balance(fleet.relays.map(({ station }) => station))
  }
}

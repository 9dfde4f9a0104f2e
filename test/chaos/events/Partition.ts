import { setTimeout as sleep } from "node:timers/promises"
import { type ChaosEvent, nowMs } from "../ChaosEvent.ts"
import * as Firewall from "../fleet/Firewall.ts"
import * as Dice from "../../fuzz/Dice.ts"

const partedMs = 5000
/** Relays have said something on each of their connections by then. Milliseconds. */
const markedMs = 2000
/** All is as before by then. Milliseconds. */
const healMs = 2000

/**
 * Two relays do not reach each other, and all others do. Flows between the two cannot come through; those with either of
 * them as a member's relay may not suffer, and when it is over all do within two seconds.
 */
export const partition: ChaosEvent = {
  name: "partition",
  setting: "cluster",
  // From the end of the partition on.
  limits: { gapMaxMs: healMs },
  notHere: () =>
    process.getuid?.() === 0
      ? undefined
      : "only root may give each relay a group of its own, which the firewall goes by",
  watchMs: 6000,
  strike: async ({ calls, draw, fleet }) => {
    const [a, b] = Dice.shuffled(draw, fleet.relays)
    Firewall.mark(fleet.relays.map(({ station }) => station))
    await sleep(markedMs)
    Firewall.part(a!.station, b!.station)
    await sleep(partedMs)
    Firewall.heal()
    const hasOnIt = (call: number, place: number) => calls[call]!.members.some(({ relay }) => relay === place)
    return {
      sinceMs: nowMs(),
      classOf: ({ receiver, sender }) => {
        const { call } = sender
        if (hasOnIt(call, a!.place) && hasOnIt(call, b!.place)) return "affected"
        return [sender.relay, receiver.relay].some((place) => place === a!.place || place === b!.place)
          ? "bystander"
          : "untouched"
      },
      note: "gaps are counted from the end of the partition"
    }
  },
  repair: async () => Firewall.heal()
}

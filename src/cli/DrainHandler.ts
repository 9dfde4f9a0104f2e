import { Console, Effect } from "effect"
import * as FleetOperations from "../server/FleetOperations.ts"
import type { DrainFlags } from "./ClusterCommand.ts"
import { BadInput, Failed } from "./Failure.ts"
import { secondsAgo, withCluster } from "./FleetAccess.ts"

/** Relays say every second how they are. */
const lookEvery = "250 millis"

const people = (count: number): string => `${count} participant${count === 1 ? "" : "s"}`

const unknown = (relay: string, relays: ReadonlyArray<FleetOperations.RelayOverview>) =>
  new BadInput({
    message: `no relay is called ${relay}: there ${relays.length === 1 ? "is" : "are"} ${relays.map(({ relay }) => relay).join(", ") || "none"}`
  })

/** The relay as it is now; `undefined` when this life of it is over. */
const look = Effect.fnUntraced(function* ({ incarnation, relay }: FleetOperations.RelayOverview) {
  const { relays } = yield* FleetOperations.FleetOperations
  return (yield* relays).find((now) => now.relay === relay && now.incarnation === incarnation)
})

const drainAndWait = Effect.fnUntraced(function* (name: string) {
  const fleet = yield* FleetOperations.FleetOperations
  const relays = yield* fleet.relays
  const found = relays.find(({ relay }) => relay === name)
  if (found === undefined) return yield* unknown(name, relays)
  const isSilent = (relay: FleetOperations.RelayOverview) =>
    new Failed({
      message: `${name} does not run: it was seen ${secondsAgo(relay)}, with ${people(relay.participants)}`
    })
  if (found.state === "silent") return yield* isSilent(found)
  let now: FleetOperations.RelayOverview | undefined = found
  const whileItRuns = Effect.gen(function* () {
    while (now !== undefined) {
      if (now.state === "silent") return yield* isSilent(now)
      yield* Effect.sleep(lookEvery)
      now = yield* look(found)
    }
  })
  yield* fleet.requestDrain(found)
  yield* Console.log(`${name} is to drain, with ${people(found.participants)}`)
  yield* Effect.onInterrupt(whileItRuns, () =>
    Console.log(`${name} goes on draining: ${people(now?.participants ?? 0)} left`)
  )
  yield* Console.log(`${name} has gone`)
})

export const run = ({ cluster, relay }: DrainFlags) => withCluster(cluster, drainAndWait(relay))

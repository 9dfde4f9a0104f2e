import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as ClusterLayer from "../server/ClusterLayer.ts"
import * as FleetOperations from "../server/FleetOperations.ts"
import { RelayConfig } from "../server/RelayConfig.ts"
import * as StateLayer from "../server/StateLayer.ts"
import { BadInput, badInput, Failed, failed } from "./Failure.ts"
import * as Table from "./Table.ts"

const clusterFlag = Flag.String("cluster").pipe(
  Flag.withMetavar("sqlite:FILE|postgres://..."),
  Flag.withDescription(`The database of the cluster (TANDEM_CLUSTER; left out: ${ClusterLayer.ofMachine})`),
  Flag.optional
)

/** Relays say every second how they are. */
const lookEvery = "250 millis"

/** Runs with the cluster of the flag, or of the environment. */
const withCluster = (
  flag: Option.Option<string>,
  effect: Effect.Effect<void, BadInput | Failed | FleetOperations.ClusterNotFound, FleetOperations.FleetOperations>
) =>
  Effect.gen(function* () {
    const config = yield* Effect.mapError(RelayConfig, badInput)
    const text = Option.firstSomeOf([flag, config.cluster]).pipe(Option.getOrElse(() => ClusterLayer.ofMachine))
    const database = yield* Effect.mapError(Effect.fromResult(StateLayer.parseCluster(text)), badInput)
    return yield* Effect.provide(effect, FleetOperations.layer(database))
  }).pipe(
    Effect.catchTags({
      ClusterNotFound: (error) => Effect.fail(failed(error)),
      DatabaseNotOpened: (error) => Effect.fail(failed(error))
    })
  )

const secondsAgo = ({ seenAgoMs }: { readonly seenAgoMs: number }): string => `${(seenAgoMs / 1000).toFixed(1)} s ago`

const relayColumns: ReadonlyArray<Table.Column<FleetOperations.RelayOverview>> = [
  { title: "relay", cell: ({ relay }) => relay },
  { title: "address", cell: ({ address }) => address },
  { title: "participants", cell: ({ participants }) => participants },
  { title: "state", cell: ({ state }) => state },
  { title: "seen", cell: secondsAgo },
  { title: "node", cell: ({ node }) => node }
]

const nodeColumns: ReadonlyArray<Table.Column<FleetOperations.NodeOverview>> = [
  { title: "node", cell: ({ address }) => address },
  { title: "shards", cell: ({ shards }) => shards },
  { title: "seen", cell: secondsAgo }
]

const status = Command.make(
  "status",
  {
    cluster: clusterFlag,
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON object"), Flag.withDefault(false))
  },
  ({ cluster, json }) =>
    withCluster(
      cluster,
      Effect.gen(function* () {
        const fleet = yield* FleetOperations.FleetOperations
        const relays = yield* fleet.relays
        const nodes = yield* fleet.nodes
        if (json) return yield* Console.log(JSON.stringify({ relays, nodes }))
        yield* Console.log(`${Table.format(relayColumns, relays)}\n\n${Table.format(nodeColumns, nodes)}`)
      })
    )
).pipe(Command.withDescription("Who the relays of a cluster are, and how they are"))

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

const drain = Command.make(
  "drain",
  {
    relay: Argument.String("relay").pipe(Argument.withDescription("The relay's name")),
    cluster: clusterFlag
  },
  ({ cluster, relay }) => withCluster(cluster, drainAndWait(relay))
).pipe(Command.withDescription("Send the devices of a relay to others, end it, and wait until it has gone"))

export const command = Command.make("cluster").pipe(
  Command.withDescription("Look at a cluster, and take relays out of it"),
  Command.withSubcommands([status, drain])
)

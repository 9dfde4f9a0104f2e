import { Console, Effect } from "effect"
import * as FleetOperations from "../server/FleetOperations.ts"
import type { StatusFlags } from "./ClusterCommand.ts"
import { secondsAgo, withCluster } from "./FleetAccess.ts"
import * as Table from "./Table.ts"

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

const show = Effect.fnUntraced(function* (json: boolean) {
  const fleet = yield* FleetOperations.FleetOperations
  const relays = yield* fleet.relays
  const nodes = yield* fleet.nodes
  if (json) return yield* Console.log(JSON.stringify({ relays, nodes }))
  yield* Console.log(`${Table.format(relayColumns, relays)}\n\n${Table.format(nodeColumns, nodes)}`)
})

export const run = ({ cluster, json }: StatusFlags) => withCluster(cluster, show(json))

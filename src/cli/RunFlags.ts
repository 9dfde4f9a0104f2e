import { type Command, Flag } from "effect/cli"
import type * as Network from "../server/Network.ts"
import type * as ThrottleLayer from "../server/ThrottleLayer.ts"
import { keysFlag } from "./TokenFlags.ts"

export const impairFlag = Flag.String("impair").pipe(
  Flag.withMetavar("loss=0.05,delay=20ms"),
  Flag.withDescription("Treat what this process sends badly, to try things out"),
  Flag.optional
)

export const repairFlag = Flag.Boolean("repair").pipe(
  Flag.withDescription("Ask for lost packets and send them again; --no-repair shows what that is worth"),
  Flag.withDefault(true)
)

const processesFlag = Flag.String("processes").pipe(
  Flag.withMetavar("N|auto"),
  Flag.withDescription(
    "So many relays on neighbouring ports, one for each core of the machine (auto), that share their calls (TANDEM_PROCESSES)"
  ),
  Flag.optional
)

/** What Network says: the compiler sees to it. */
const socketKinds: typeof Network.SocketKind.literals = ["auto", "batched", "portable"]

/** What ThrottleLayer says. */
const throttleKinds: typeof ThrottleLayer.ThrottleKind.literals = ["adaptive", "off"]

export const flags = {
  host: Flag.String("host").pipe(Flag.withDescription("IP address to bind (TANDEM_HOST)"), Flag.optional),
  port: Flag.Int("port").pipe(Flag.withDescription("UDP port, 0 for a free one (TANDEM_PORT)"), Flag.optional),
  adminPort: Flag.Int("admin-port").pipe(
    Flag.withDescription("HTTP port for health and metrics (TANDEM_ADMIN_PORT)"),
    Flag.optional
  ),
  keys: keysFlag,
  socket: Flag.Literals("socket", socketKinds).pipe(
    Flag.withDescription("Batched system calls where there are (auto), always, or never (TANDEM_SOCKET)"),
    Flag.optional
  ),
  state: Flag.String("state").pipe(
    Flag.withMetavar("memory|sqlite:FILE|postgres://...|redis://..."),
    Flag.withDescription("Where calls are kept, so that they outlive this process (TANDEM_STATE)"),
    Flag.optional
  ),
  relayId: Flag.String("relay-id").pipe(
    Flag.withDescription("The name of this relay, which no other of the fleet has (TANDEM_RELAY_ID)"),
    Flag.optional
  ),
  advertise: Flag.String("advertise").pipe(
    Flag.withMetavar("IP:PORT"),
    Flag.withDescription(
      "Where devices and other relays reach it, if that is not where it is bound (TANDEM_ADVERTISE)"
    ),
    Flag.optional
  ),
  cluster: Flag.String("cluster").pipe(
    Flag.withMetavar("sqlite:FILE|postgres://..."),
    Flag.withDescription("Share calls with the other relays that use this database (TANDEM_CLUSTER)"),
    Flag.optional
  ),
  clusterHost: Flag.String("cluster-host").pipe(
    Flag.withDescription("IP address at which the other nodes reach this one (TANDEM_CLUSTER_HOST)"),
    Flag.optional
  ),
  clusterPort: Flag.Int("cluster-port").pipe(
    Flag.withDescription("TCP port for the other nodes, 0 for a free one (TANDEM_CLUSTER_PORT)"),
    Flag.optional
  ),
  processes: processesFlag,
  throttle: Flag.Literals("throttle", throttleKinds).pipe(
    Flag.withDescription("Under load give up in the order of docs/operating.md, or refuse nothing (TANDEM_THROTTLE)"),
    Flag.optional
  ),
  capacity: Flag.Float("capacity").pipe(
    Flag.withMetavar("PACKETS"),
    Flag.withDescription(
      "What this relay can forward in a second, for the throttle; left out, it goes by CPU (TANDEM_CAPACITY)"
    ),
    Flag.optional
  ),
  stopWithStdin: Flag.Boolean("stop-with-stdin").pipe(
    Flag.withDescription("Stop, as at SIGTERM, when the standard input ends: when whoever has started it is gone"),
    Flag.withDefault(false)
  ),
  drainSeconds: Flag.Int("drain-timeout").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("How long a relay that stops waits for its devices to go elsewhere (TANDEM_DRAIN_SECONDS)"),
    Flag.optional
  ),
  impair: impairFlag,
  repair: repairFlag,
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON object when the relay is ready"),
    Flag.withDefault(false)
  )
}

export type Flags = Command.Command.Config.Infer<typeof flags>

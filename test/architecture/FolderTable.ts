/** What one folder of `src`, or one file of it, may import. Whatever is not named here is forbidden. */
export interface Row {
  /** Of ours: a folder ("protocol") or one file of it ("actor/CallRpcs"). */
  readonly ours: ReadonlyArray<string>
  /** Of others: a module with all that is below it, or `pureValues` for what has neither clock nor fiber. */
  readonly modules: ReadonlyArray<string>
}

/** Stands for `import { … } from "effect"` of nothing but the names below. */
export const pureValues = "values of effect"

const names = (text: string): ReadonlyArray<string> => text.split(" ")

/** The data of Effect: none of these reads a clock, draws a number, or needs a runtime. */
export const valuesOfEffect: ReadonlySet<string> = new Set([
  ...names(
    "absurd Array BigInt Boolean Brand Chunk Data Duration Encoding Equal Equivalence flow Function Hash HashMap"
  ),
  ...names("HashSet identity Iterable Match MutableHashMap MutableHashSet Number Option Order Ordering pipe Predicate"),
  ...names("Record Result Schema SchemaIssue SchemaTransformation String Struct Tuple Types")
])

const platform = "@effect/platform-node"

/** Packets are plain arrays of numbers: whoever holds these files holds no socket. */
const packets = ["sockets/PacketMemory", "sockets/PacketBatch"]

/** The table of docs/architecture.md. A file with a row of its own keeps to that one. */
export const rows: Readonly<Record<string, Row>> = {
  protocol: { ours: [], modules: [pureValues] },
  media: { ours: ["protocol", ...packets], modules: [pureValues] },
  call: { ours: ["protocol"], modules: [pureValues] },
  routing: { ours: ["protocol"], modules: [pureValues] },
  access: { ours: ["protocol"], modules: names("effect effect/crypto effect/encoding node:crypto") },
  sockets: {
    ours: [],
    modules: names(
      `effect effect/net effect/socket ${platform} node:ffi node:dgram node:fs node:module node:worker_threads`
    )
  },
  "sockets/PacketMemory": { ours: [], modules: [pureValues] },
  "sockets/PacketBatch": { ours: ["sockets/PacketMemory"], modules: [pureValues] },
  // What the system says of a process's load is in files and in Node.
  throttle: {
    ours: ["protocol/QualityExtra"],
    modules: names("effect effect/persistence node:fs node:os node:perf_hooks")
  },
  state: {
    ours: names("protocol call routing"),
    modules: names(`effect effect/persistence effect/sql effect/reactivity @effect/sql-pg ${platform} node:sqlite`)
  },
  actor: { ours: names("protocol call routing state"), modules: names("effect effect/cluster effect/rpc") },
  pipeline: {
    ours: names(
      "protocol media call routing access sockets throttle actor/CallRpcs actor/PlanFeed actor/CallLocator actor/CallReports"
    ),
    modules: names("effect effect/crypto")
  },
  cluster: {
    // Of a plan it knows the version, to keep the newest; of calls and relays the names; an order that all agree on.
    ours: names("actor call/PlanVersion protocol/Ids routing/Rendezvous"),
    modules: names(`effect effect/cluster effect/rpc effect/socket effect/sql ${platform} node:net node:tls`)
  },
  admin: {
    ours: names("pipeline actor/CallRpcs sockets/PackedAddress"),
    modules: names(`effect effect/http effect/http-api effect/net effect/observability ${platform} node:http`)
  },
  server: {
    ours: names("protocol call routing access sockets state throttle actor pipeline cluster admin"),
    modules: [
      ...names(
        "effect effect/cluster effect/crypto effect/http effect/net effect/observability effect/process effect/rpc"
      ),
      ...names(`effect/sql ${platform} node:fs node:os node:path node:url`)
    ]
  },
  client: {
    ours: names("protocol media access sockets"),
    modules: names("effect effect/crypto effect/encoding effect/net node:crypto node:fs")
  },
  demo: {
    ours: names("client sockets admin/AdminApi"),
    modules: [
      ...names(`effect effect/crypto effect/encoding effect/http effect/http-api effect/process ${platform}`),
      ...names("node:child_process node:fs node:os node:path node:url")
    ]
  },
  // Of the pipeline the packet path, and what plans make of it; of the client what makes one picture of layers: its streams
  // bring encryption. Of the throttle what decides.
  simulation: {
    ours: [
      ...names("protocol media call routing"),
      ...names("pipeline/Forwarding pipeline/KeyFrames pipeline/LegTable pipeline/LegTimers pipeline/PacketCounters"),
      ...names("pipeline/RelayLeg pipeline/RelayStream pipeline/CallRoutes pipeline/CallTable pipeline/DeviceNews"),
      ...names("pipeline/SentVideo pipeline/Session pipeline/TrunkTable pipeline/VoiceGate actor/LegEstimates"),
      ...names("client/streams/ReceivedPacket client/streams/SplicedStream"),
      ...names("throttle/CallerSlot throttle/GiveUpOrder throttle/Load throttle/LoadReading throttle/LoadShedding"),
      ...names("throttle/OfferedCalls throttle/Priority throttle/Refused"),
      ...packets
    ],
    modules: [pureValues]
  },
  cli: {
    ours: names(
      "protocol/Ids protocol/CallClass access/CallToken sockets/Impairment sockets/PackedAddress server client simulation demo"
    ),
    modules: names(
      `effect effect/cli effect/crypto effect/net ${platform} node:fs node:os node:path node:url vega vega-lite`
    )
  }
}

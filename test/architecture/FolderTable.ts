/** What one folder of `src`, or one file of it, may import. Whatever is not named here is forbidden. */
export interface Row {
  /** Of ours: a folder ("protocol") or one file of it ("actor/CallRpcs"). */
  readonly ours: ReadonlyArray<string>
  /** Of others: a module with all that is below it, or `pureValues` for what has neither clock nor fiber. */
  readonly modules: ReadonlyArray<string>
}

/** Stands for `import { … } from "effect"` of nothing but the names below. */
export const pureValues = "values of effect"

/** The data of Effect: none of these reads a clock, draws a number, or needs a runtime. */
export const valuesOfEffect: ReadonlySet<string> = new Set([
  ...["absurd", "Array", "BigInt", "Boolean", "Brand", "Chunk", "Data", "Duration", "Encoding", "Equal", "Equivalence"],
  ...["flow", "Function", "Hash", "HashMap", "HashSet", "identity", "Iterable", "Match", "MutableHashMap"],
  ...["MutableHashSet", "Number", "Option", "Order", "Ordering", "pipe", "Predicate", "Record", "Result", "Schema"],
  ...["SchemaIssue", "SchemaTransformation", "String", "Struct", "Tuple", "Types"]
])

const sql = ["effect/sql", "@effect/sql-pg"]
const platform = "@effect/platform-node"

/** Packets are plain arrays of numbers: whoever holds these files holds no socket. */
const packets = ["sockets/PacketMemory", "sockets/PacketBatch"]

/** The table of docs/architecture.md. A file with a row of its own keeps to that one. */
export const rows: Readonly<Record<string, Row>> = {
  protocol: { ours: [], modules: [pureValues] },
  media: { ours: ["protocol", ...packets], modules: [pureValues] },
  call: { ours: ["protocol"], modules: [pureValues] },
  routing: { ours: ["protocol"], modules: [pureValues] },
  access: { ours: ["protocol"], modules: ["effect", "effect/crypto", "effect/encoding", "node:crypto"] },
  sockets: {
    ours: [],
    modules: ["effect", "effect/net", "effect/socket", platform, "node:ffi", "node:dgram", "node:fs"]
  },
  "sockets/PacketMemory": { ours: [], modules: [pureValues] },
  "sockets/PacketBatch": { ours: ["sockets/PacketMemory"], modules: [pureValues] },
  throttle: { ours: [], modules: ["effect", "effect/persistence"] },
  state: {
    ours: ["protocol", "call", "routing"],
    modules: ["effect", "effect/persistence", ...sql, platform, "node:sqlite"]
  },
  actor: { ours: ["protocol", "call", "routing", "state"], modules: ["effect", "effect/cluster", "effect/rpc"] },
  pipeline: {
    ours: [
      ...["protocol", "media", "call", "routing", "access", "sockets", "throttle"],
      ...["actor/CallRpcs", "actor/CallLocator"]
    ],
    modules: ["effect", "effect/crypto"]
  },
  cluster: {
    ours: ["actor"],
    modules: ["effect", "effect/cluster", "effect/rpc", "effect/socket", platform, "node:net"]
  },
  admin: {
    ours: ["pipeline", "actor/CallRpcs", "sockets/PackedAddress"],
    modules: ["effect", "effect/http", "effect/http-api", "effect/observability", platform, "node:http"]
  },
  server: {
    ours: [
      ...["protocol", "call", "routing", "access", "sockets", "state", "throttle"],
      ...["actor", "pipeline", "cluster", "admin"]
    ],
    modules: [
      "effect",
      "effect/cluster",
      "effect/rpc",
      "effect/http",
      "effect/observability",
      platform,
      "node:fs",
      "node:os",
      "node:path"
    ]
  },
  client: {
    ours: ["protocol", "media", "access", "sockets"],
    modules: ["effect", "effect/net", "effect/encoding", "node:crypto", "node:fs"]
  },
  demo: {
    ours: ["client", "sockets"],
    modules: ["effect", "effect/process", platform, "node:child_process", "node:fs", "node:os", "node:path", "node:url"]
  },
  simulation: {
    ours: [
      ...["protocol", "media", "call", "routing", "server", "client"],
      ...["sockets/simulated", "sockets/DatagramNetwork", "sockets/PackedAddress", ...packets]
    ],
    modules: ["effect", "effect/testing", "effect/cluster"]
  },
  cli: {
    ours: ["protocol/Ids", "protocol/CallClass", "server", "client", "simulation", "demo"],
    modules: ["effect", "effect/cli", platform, "node:fs", "node:os", "node:path", "node:url"]
  }
}

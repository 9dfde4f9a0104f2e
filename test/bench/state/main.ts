// How long a change of a call takes to be saved, with every kind of state. Servers run on this machine, as in the tests.
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer, Path, Redacted } from "effect"
import { spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import * as StateLayer from "../../../src/server/StateLayer.ts"
import { postgresProgram } from "../../servers/Programs.ts"
import { PostgresServer } from "../../servers/PostgresServer.ts"
import { RedisServer } from "../../servers/RedisServer.ts"
import * as Machine from "../Machine.ts"
import * as Saves from "./Saves.ts"

const { json, smoke } = parseArgs({
  options: { json: { type: "boolean", default: false }, smoke: { type: "boolean", default: false } }
}).values

const full: Saves.Sizes = { calls: 10_000, saves: 2000, warmUp: 200 }
const sizes = smoke ? { calls: 100, saves: 50, warmUp: 10 } : full

const temporaryFile = Effect.gen(function* () {
  const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
  return (yield* Path.Path).join(folder, "calls.db")
})

const sqliteFile = Layer.unwrap(Effect.map(temporaryFile, (file) => StateLayer.layer({ kind: "sqlite", file })))

const stores = [
  { name: "memory", layer: StateLayer.layer({ kind: "memory" }) },
  { name: "sqlite in memory", layer: StateLayer.layer({ kind: "sqlite", file: ":memory:" }) },
  { name: "sqlite in a file", layer: Layer.provide(sqliteFile, NodeServices.layer) },
  {
    name: "postgres",
    program: postgresProgram("postgres"),
    layer: Layer.unwrap(
      Effect.map(PostgresServer, ({ url }) => StateLayer.layer({ kind: "postgres", url: Redacted.make(url) }))
    ).pipe(Layer.provide(PostgresServer.layer))
  },
  {
    name: "redis",
    program: "redis-server",
    layer: Layer.unwrap(
      Effect.map(RedisServer, ({ url }) => StateLayer.layer({ kind: "redis", url: Redacted.make(url) }))
    ).pipe(Layer.provide(RedisServer.layer))
  }
]

const isInstalled = (program: string) => spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined

type Row = { readonly name: string } & (Saves.Saves | { readonly notMeasured: string })

const measureAll = Effect.forEach(
  stores,
  Effect.fnUntraced(function* ({ layer, name, program }) {
    if (program !== undefined && !isInstalled(program)) {
      return { name, notMeasured: `${program} is not installed` } satisfies Row as Row
    }
    return { name, ...(yield* Effect.provide(Saves.measure(sizes), layer)) } satisfies Row as Row
  })
)

const rows = await Effect.runPromise(measureAll)
if (json) console.log(JSON.stringify({ machine: Machine.describe(), sizes, rows }, undefined, 2))
else {
  console.log(`save of one call, ${sizes.calls} calls stored, ${sizes.saves} saves one after the other`)
  for (const row of rows) {
    const figures =
      "notMeasured" in row
        ? `not measured: ${row.notMeasured}`
        : `p50 ${row.p50Ms.toFixed(3)} ms, p99 ${row.p99Ms.toFixed(3)} ms`
    console.log(`  ${row.name.padEnd(20)} ${figures}`)
  }
}
if (process.env["TANDEM_REQUIRE"] === "all" && rows.some((row) => "notMeasured" in row)) process.exitCode = 1

import { assert, describe, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer, Redacted, Result, Schema } from "effect"
import { empty } from "../../src/call/CallState.ts"
import { CallId } from "../../src/protocol/Ids.ts"
import * as StateLayer from "../../src/server/StateLayer.ts"
import { CallStore } from "../../src/state/CallStore.ts"

const kindOf = (text: string) =>
  Result.match(StateLayer.parse(text), { onSuccess: ({ kind }) => kind, onFailure: ({ message }) => message })

describe("StateLayer", () => {
  it("knows memory, files and database servers", () => {
    assert.strictEqual(kindOf("memory"), "memory")
    assert.deepStrictEqual(
      StateLayer.parse("sqlite:C:/a b/calls.db"),
      Result.succeed({ kind: "sqlite", file: "C:/a b/calls.db" })
    )
    for (const url of ["postgres://ada:x@db.example.org/calls?sslmode=require", "postgresql://[::1]:5433/calls"]) {
      assert.strictEqual(kindOf(url), "postgres")
    }
    for (const url of ["redis://127.0.0.1", "rediss://:x@cache.example.org:6380/2"])
      assert.strictEqual(kindOf(url), "redis")
  })

  it("keeps the URL of a server as it is", () => {
    const source = Result.getOrThrow(StateLayer.parse("postgres://ada:p%40ss@h/calls"))
    assert.strictEqual("url" in source && Redacted.value(source.url), "postgres://ada:p%40ss@h/calls")
  })

  it("refuses the rest, and says what it takes", () => {
    for (const text of [
      "",
      "calls.db",
      "sqlite:",
      "mysql://h/x",
      "postgres:h/calls",
      "redis://h/calls",
      "Memory",
      "http://h"
    ]) {
      assert.include(kindOf(text), "use memory, sqlite:FILE, postgres://", text)
    }
  })

  it.effect("makes a file where there was none, for its owner only, and opens it again", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const folder = `${yield* files.makeTempDirectoryScoped()}/not/there`
      const layer = StateLayer.layer({ kind: "sqlite", file: `${folder}/calls.db` })
      const id = CallId.make("call")
      const opened = Effect.provide(
        Effect.flatMap(CallStore, (store) => store.load(id)),
        Layer.fresh(layer)
      )
      assert.deepStrictEqual(yield* opened, empty)
      for (const name of yield* files.readDirectory(folder)) {
        assert.strictEqual((yield* files.stat(`${folder}/${name}`)).mode & 0o077, 0, name)
      }
      assert.deepStrictEqual(yield* opened, empty)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.prop("shows nothing of what could be a password", [Schema.String, Schema.String], ([before, after]) => {
    const message = kindOf(`${before}pa55w0rd${after}`)
    if (message !== "sqlite" && message !== "postgres" && message !== "redis") assert.notInclude(message, "pa55w0rd")
  })
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import * as BoundedWrites from "../../src/cluster/BoundedWrites.ts"

/** A socket that does this with a write, and what has been written to it. */
const socketThat = (takes: Effect.Effect<void, Socket.SocketError>) => {
  const written: Array<unknown> = []
  const write = (what: unknown) =>
    Effect.suspend(() => {
      written.push(what)
      return Socket.isCloseEvent(what) ? Effect.void : takes
    })
  const socket = Socket.make({ reader: Effect.never, writer: Effect.succeed({ write, writeAll: write }) })
  return { written, writer: BoundedWrites.of(socket).writer }
}

const broken = new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: "broken" }) })

describe("a socket whose writes end", () => {
  it.effect("writes as before where the other side reads, in the same step", () =>
    Effect.gen(function* () {
      const { writer, written } = socketThat(Effect.void)
      const { write, writeAll } = yield* writer
      yield* write("a")
      yield* writeAll(["b", "c"])
      assert.deepStrictEqual(written, ["a", ["b", "c"]])
      const failing = yield* socketThat(Effect.fail(broken)).writer
      assert.strictEqual(yield* Effect.flip(failing.write("a")), broken)
    }).pipe(Effect.scoped)
  )

  it.effect("gives up a connection that takes nothing, though whoever writes cannot be interrupted", () =>
    Effect.gen(function* () {
      const { writer, written } = socketThat(Effect.never)
      const { write } = yield* writer
      const writing = yield* Effect.forkChild(Effect.uninterruptible(write("answer")), { startImmediately: true })
      writing.interruptUnsafe()
      yield* TestClock.adjust("900 millis")
      assert.isUndefined(writing.pollUnsafe())
      yield* TestClock.adjust("200 millis")
      yield* Fiber.await(writing)
      assert.strictEqual(written[0], "answer")
      assert.isTrue(Socket.isCloseEvent(written[1]))
    }).pipe(Effect.scoped)
  )

  it.effect("tells who writes that a connection which took nothing has failed", () =>
    Effect.gen(function* () {
      const { write } = yield* socketThat(Effect.never).writer
      const writing = yield* Effect.forkChild(Effect.flip(write("answer")), { startImmediately: true })
      yield* TestClock.adjust("1100 millis")
      assert.strictEqual((yield* Fiber.join(writing)).reason._tag, "SocketWriteError")
      // What is said to a connection that was given up is not waited for.
      assert.strictEqual((yield* Effect.flip(write("and another"))).reason._tag, "SocketWriteError")
    }).pipe(Effect.scoped)
  )

  it.effect("gives up a connection that takes nothing, though whoever writes has gone away", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const { writer, written } = socketThat(
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended.push("it")))
      )
      const { write } = yield* writer
      const writing = yield* Effect.forkChild(write("answer"), { startImmediately: true })
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interrupt(writing)
      yield* TestClock.adjust("800 millis")
      assert.deepStrictEqual(written, ["answer"])
      yield* TestClock.adjust("200 millis")
      assert.isTrue(Socket.isCloseEvent(written[1]))
      assert.deepStrictEqual(ended, ["it"])
    }).pipe(Effect.scoped)
  )
})

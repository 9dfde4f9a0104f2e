import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Latch, Layer, Logger, Option } from "effect"
import { TestClock } from "effect/testing"
import { exitCodeOf } from "../../src/cli/Failure.ts"
import * as OneRelay from "../../src/cli/OneRelay.ts"
import type { Flags } from "../../src/cli/RunFlags.ts"
import type { Config } from "../../src/cli/RunOptions.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as FailingNetwork from "../server/FailingNetwork.ts"
import * as Raw from "../server/RawDevice.ts"

const flags = { json: true, stopWithStdin: false, keys: Option.none() } as Partial<Flags> as Flags
const config = { adminHost: "127.0.0.1" } as Partial<Config> as Config

describe("tandem run", () => {
  it.effect("ends with exit code 1 and the reason when the relay's packet path has ended", () =>
    Effect.gen(function* () {
      const isClosed = yield* Latch.make()
      const relay = Relay.layerWith({ keyRing: Raw.keyRing, host: FailingNetwork.relayHost }).pipe(
        Layer.provide([Throttle.layerOpen, SingleRunner.layer, CallStore.layerMemory, FailingNetwork.layer(isClosed)])
      )
      const running = yield* Effect.forkChild(Effect.provide(OneRelay.untilStopped(flags, config), relay))
      yield* TestClock.adjust("1 second")
      assert.isUndefined(running.pollUnsafe())
      yield* isClosed.open
      yield* TestClock.adjust("1 second")
      const exit = running.pollUnsafe()
      assert.isDefined(exit)
      assert.strictEqual(exitCodeOf(exit), 1)
      assert.include(String(Exit.isFailure(exit) && exit.cause), "the packet path has ended: restart the relay")
    }).pipe(Effect.provide([Logger.layer([]), NodeServices.layer]), Effect.scoped, Raw.inThePresent)
  )
})

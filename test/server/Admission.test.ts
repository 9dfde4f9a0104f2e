import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { Refused } from "../../src/throttle/Refused.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as Raw from "./RawDevice.ts"

const offer = { kind: "audio", codec: "opus", clockRate: 48000, payloadType: 111 } as const

const join = Effect.fnUntraced(function* (n: number) {
  const token = yield* Raw.mint(`p${n}`)
  const host = `10.0.1.${n}`
  return yield* CallClient.join({ relays: [Raw.relayAddress], token, streams: [offer], sharedSecret: undefined, host })
})

const inVirtualTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Raw.passing, Raw.inThePresent)

describe("admission", () => {
  it.effect("fifty hear each other, the next is told that the call is full", () =>
    Effect.gen(function* () {
      const members = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n + 1),
        join
      )
      const refused = yield* Effect.flip(join(51))
      assert.strictEqual(refused._tag, "JoinRefused")
      assert.match(refused.message, /the call is full/)
      yield* Effect.sleep("1 second")
      const heard: Array<string> = []
      yield* Effect.forEach(members, ({ packets, participant }) =>
        Effect.forkScoped(Stream.runForEach(packets, () => Effect.sync(() => heard.push(participant))))
      )
      const [speaker] = members
      const payload = Uint8Array.of(1)
      yield* speaker!.send(speaker!.streams[0]!, { payload, timestamp: 0, marker: true, descriptor: 127 })
      yield* Effect.sleep("1 second")
      assert.strictEqual(heard.length, 49)
      assert.strictEqual(new Set(heard).size, 49)
      assert.notInclude(heard, speaker!.participant)
      const roster = yield* members[49]!.roster.pipe(Stream.take(49), Stream.runCollect)
      assert.strictEqual(new Set(roster.map(({ participant }) => participant)).size, 49)
    }).pipe(Effect.provide(Raw.layerRelay()), inVirtualTime)
  )

  it.effect("what the throttle refuses is said with a time to come again, and the SDK knows it", () => {
    const full = Layer.succeed(
      Throttle.Throttle,
      Throttle.make(({ priority }) =>
        priority === "new-group-video"
          ? Effect.fail(new Refused({ retryAfterMs: 7000, reason: "Overloaded" }))
          : Effect.void
      )
    )
    const relay = Relay.layerWith({ keyRing: Raw.keyRing, host: "10.0.0.1", port: 3478 }).pipe(
      Layer.provide([full, SingleRunner.layer, CallStore.layerMemory]),
      Layer.provideMerge(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
    )
    return Effect.gen(function* () {
      const refused = yield* Effect.flip(join(1))
      assert.strictEqual(refused._tag === "JoinRefused" && refused.retryAfterMs, 7000)
      assert.match(refused.message, /busy; try again in 7 seconds/)
    }).pipe(Effect.provide(relay), inVirtualTime)
  })
})

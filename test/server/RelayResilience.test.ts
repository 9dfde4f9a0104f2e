import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Latch, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import { RelayDirectory } from "../../src/cluster/RelayDirectory.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as FailingNetwork from "./FailingNetwork.ts"
import * as Raw from "./RawDevice.ts"

const relayWith = (
  throttle: Layer.Layer<Throttle.Throttle>,
  store: Layer.Layer<CallStore.CallStore> = CallStore.layerMemory
) =>
  Relay.layerWith({
    keyRing: Raw.keyRing,
    host: "10.0.0.1",
    port: 3478,
    audioRingBytes: 1 << 20,
    videoRingBytes: 1 << 20
  }).pipe(
    Layer.provide([throttle, SingleRunner.layer, store]),
    Layer.provideMerge(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
  )

/** A store that has saved, but says so later than a join waits for, the first times. */
const slowStore = (slowSaves: number) =>
  Layer.effect(
    CallStore.CallStore,
    Effect.map(CallStore.CallStore, (store) => {
      let saves = 0
      return CallStore.CallStore.of({
        ...store,
        save: (id, state, expected) =>
          Effect.andThen(store.save(id, state, expected), Effect.sleep(saves++ < slowSaves ? "4 seconds" : "1 millis"))
      })
    })
  ).pipe(Layer.provide(CallStore.layerMemory))

/** A store in which what is kept of this call is no state of a call. */
const storeWithUnreadable = (name: string) =>
  Layer.effect(
    CallStore.CallStore,
    Effect.map(CallStore.CallStore, (store) =>
      CallStore.CallStore.of({
        ...store,
        load: (call) => {
          if (call !== name) return store.load(call)
          const reason = new CallStore.StateUnreadable({ call, cause: "spoilt for a test" })
          return Effect.fail(new CallStore.CallStoreError({ reason }))
        }
      })
    )
  ).pipe(Layer.provide(CallStore.layerMemory))

const joinRequest = Effect.fnUntraced(function* (
  device: Effect.Success<ReturnType<typeof Raw.open>>,
  name: string,
  ssrc: number,
  call?: string
) {
  const token = yield* Raw.mint(name, call)
  const request = { _tag: "JoinRequest" as const, token: token.claimsBytes, legTag: ssrc, streams: [Raw.audio(ssrc)] }
  const first = yield* device.answersTo(
    Raw.signed({ ...request, transactionId: Raw.transactionId(), counter: 1 }, token.key)
  )
  const { cookie } = Raw.only(first, "Challenge")
  return Raw.signed({ ...request, transactionId: Raw.transactionId(), counter: 2, cookie }, token.key)
})

describe("relay, when parts fail", () => {
  it.effect("a join that we fail at is one join less, not the end of the control plane", () =>
    Effect.gen(function* () {
      const device = yield* Raw.open("10.0.0.2:5000")
      const join = yield* joinRequest(device, "ada", 1)
      Raw.only(yield* device.answersTo(join), "Refused")
      Raw.only(yield* device.answersTo(Raw.binding()), "BindingSuccess")
    }).pipe(
      Effect.provide(
        relayWith(
          Layer.succeed(
            Throttle.Throttle,
            Throttle.make(() => Effect.die("a mistake of ours"))
          )
        )
      ),
      Effect.scoped,
      Raw.passing,
      Raw.inThePresent
    )
  )

  it.effect("a join that comes between two milliseconds of a virtual clock is one like any other", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(0.25)
      const device = yield* Raw.open("10.0.0.2:5000")
      const granted = Raw.only(yield* device.answersTo(yield* joinRequest(device, "ada", 1)), "JoinSuccess")
      assert.isTrue(Number.isInteger(granted.relayTimeMs))
    }).pipe(Effect.provide(relayWith(Throttle.layerOpen)), Effect.scoped, Raw.passing, Raw.inThePresent)
  )

  it.effect("whoever pings does not wait for joins whose store is slow", () =>
    Effect.gen(function* () {
      const device = yield* Raw.open("10.0.0.2:5000")
      for (let n = 0; n < 100; n++) yield* device.sendBytes(yield* joinRequest(device, `p${n}`, n + 1))
      Raw.only(yield* device.answersTo(Raw.binding()), "BindingSuccess")
    }).pipe(
      Effect.provide(relayWith(Throttle.layerOpen, slowStore(1000))),
      Effect.scoped,
      Raw.passing,
      Raw.inThePresent
    )
  )

  it.effect("a join that came too late leaves nobody behind", () =>
    Effect.gen(function* () {
      const device = yield* Raw.open("10.0.0.2:5000")
      yield* device.sendBytes(yield* joinRequest(device, "ada", 1))
      yield* TestClock.adjust("60 seconds")
      const other = yield* Raw.open("10.0.0.3:5000")
      const answers = yield* other.answersTo(yield* joinRequest(other, "lin", 2))
      Raw.only(answers, "JoinSuccess")
      const roster = Raw.messagesIn(answers).find((message) => message._tag === "RosterDirective")
      assert.deepStrictEqual(
        roster?.entries.map(({ participant }) => String(participant)),
        ["lin"]
      )
    }).pipe(Effect.provide(relayWith(Throttle.layerOpen, slowStore(1))), Effect.scoped, Raw.passing, Raw.inThePresent)
  )

  it.effect("a call whose state cannot be read is refused with the reason; others do not notice", () =>
    Effect.gen(function* () {
      const device = yield* Raw.open("10.0.0.2:5000")
      const refused = yield* device.answersTo(yield* joinRequest(device, "ada", 1, "spoilt"))
      assert.strictEqual(Raw.only(refused, "Refused").error.reason, "what is stored of the call cannot be read")
      Raw.only(yield* device.answersTo(yield* joinRequest(device, "ada", 2, "sound")), "JoinSuccess")
    }).pipe(
      Effect.provide(relayWith(Throttle.layerOpen, storeWithUnreadable("spoilt"))),
      Effect.scoped,
      Raw.passing,
      Raw.inThePresent
    )
  )

  it.effect("a relay whose packet path has ended leaves its fleet, and says so to whoever asks for its health", () =>
    Effect.gen(function* () {
      const isClosed = yield* Latch.make()
      const relay = Relay.layerWith({
        keyRing: Raw.keyRing,
        host: FailingNetwork.relayHost,
        admin: { host: "127.0.0.1", port: 0 }
      })
      const parts = Layer.mergeAll(
        Throttle.layerOpen,
        SingleRunner.layer,
        CallStore.layerMemory,
        FailingNetwork.layer(isClosed)
      )
      const context = yield* Layer.build(Layer.provideMerge(relay, parts))
      const { adminPort, broken } = Context.get(context, Relay.Relay)
      const fleet = () => Context.get(context, RelayDirectory).all()
      const asked = (path: string) =>
        Effect.promise(async () => {
          const response = await fetch(`http://127.0.0.1:${adminPort}/${path}`)
          return [response.status, await response.json()]
        })
      assert.strictEqual((yield* asked("healthz"))[0], 200)
      assert.strictEqual(fleet().length, 1)
      yield* isClosed.open
      yield* TestClock.adjust(1)
      const reason = "the packet path has ended: restart the relay"
      assert.deepStrictEqual(yield* asked("healthz"), [503, { _tag: "Broken", status: "broken", reason }])
      assert.deepStrictEqual(yield* asked("readyz"), [503, { _tag: "NotReady", status: "broken" }])
      assert.strictEqual(yield* broken, reason)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(fleet(), [])
    }).pipe(Effect.provide(Logger.layer([])), Effect.scoped, Raw.inThePresent)
  )

  it.effect(
    "a relay whose packet path has ended does not wait, when it is closed, for devices that it cannot hear",
    () =>
      Effect.gen(function* () {
        const isClosed = yield* Latch.make()
        const relay = Relay.layerWith({
          keyRing: Raw.keyRing,
          host: FailingNetwork.relayHost,
          otherRelays: ["10.0.0.9:3478"]
        })
        const network = yield* Layer.build(FailingNetwork.layer(isClosed))
        const life = yield* Scope.make()
        yield* Layer.buildWithScope(
          Layer.provide(relay, [
            Throttle.layerOpen,
            SingleRunner.layer,
            CallStore.layerMemory,
            Layer.succeedContext(network)
          ]),
          life
        )
        yield* Effect.gen(function* () {
          const device = yield* Raw.open("10.0.0.2:5000")
          Raw.only(yield* device.answersTo(yield* joinRequest(device, "ada", 1)), "JoinSuccess")
        }).pipe(Effect.provideContext(network))
        yield* isClosed.open
        yield* Effect.sleep("1 second")
        const startedAtMs = yield* Clock.currentTimeMillis
        yield* Scope.close(life, Exit.void)
        assert.isAtMost((yield* Clock.currentTimeMillis) - startedAtMs, 1000)
      }).pipe(Effect.provide(Logger.layer([])), Effect.scoped, Raw.passing, Raw.inThePresent)
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import * as CallClient from "../../src/client/CallClient.ts"
import { SecureBytes } from "../../src/client/SecureBytes.ts"
import { RelayCore } from "../../src/pipeline/RelayCore.ts"
import type { Subscription, SubscriptionEntry } from "../../src/protocol/SubscriptionAttribute.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as RelayInView from "../fuzz/operations/RelayInView.ts"
import { dice } from "../media/LegPair.ts"
import * as Raw from "./RawDevice.ts"

const ada = "10.0.0.2:5000"
const entry = (ssrc: number): SubscriptionEntry => ({ ssrc, place: "grid", heightPx: 180 })

/** With a relay whose sessions can be looked at. */
const withRelay = <A, E, R>(seed: number, test: Effect.Effect<A, E, R>) => {
  const draw = dice(seed)
  const secureBytes = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(draw() * 256))
  return Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    Effect.provide(
      RelayInView.layer(seed, { sent: () => {}, isShut: false }).pipe(
        Layer.provide(CallStore.layerMemory),
        Layer.provideMerge(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
      )
    ),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent,
    Effect.provideService(SecureBytes, secureBytes),
    Random.withSeed(seed)
  )
}

const onlySession = Effect.map(RelayCore, ({ calls }) => [...calls.sessionsByTag.values()][0]!)

const joined = Effect.gen(function* () {
  const device = yield* Raw.open(ada)
  const token = yield* Raw.mint("ada")
  const { cookie, legTag } = yield* Raw.join(device, token, { legTag: 11, streams: [Raw.audio(1)] })
  let counter = 10
  const next = () => ({ transactionId: Raw.transactionId(), legTag, counter: ++counter })
  const subscribe = (subscription: Subscription, cookie?: Uint8Array) =>
    Raw.signed({ _tag: "SubscribeRequest", ...next(), ...(cookie && { cookie }), subscription }, token.key)
  const ping = () => Raw.signed({ _tag: "PingRequest", ...next() }, token.key)
  return { device, cookie, subscribe, ping, session: yield* onlySession }
})

describe("what a device wants to see, at its relay", () => {
  it.effect("is nothing that was said, then the newest that has come, in whatever order", () =>
    withRelay(
      1,
      Effect.gen(function* () {
        const { device, ping, session, subscribe } = yield* joined
        const versionAfter = Effect.fnUntraced(function* (subscription: Subscription) {
          return Raw.only(yield* device.answersTo(subscribe(subscription)), "SubscribeSuccess").subscriptionVersion
        })
        assert.isUndefined(session.subscription)
        assert.isUndefined(Raw.only(yield* device.answersTo(ping()), "PingSuccess").subscriptionVersion)
        assert.strictEqual(yield* versionAfter({ version: 3, wanted: [entry(7), entry(8), entry(7)] }), 3)
        assert.deepStrictEqual(session.subscription, { version: 3, wanted: [entry(7), entry(8)] })
        for (const said of [
          { version: 2, wanted: [entry(1)] },
          { version: 3, wanted: "everything" },
          { version: 0, wanted: [] }
        ] as const) {
          assert.strictEqual(yield* versionAfter(said), 3)
        }
        assert.deepStrictEqual(session.subscription, { version: 3, wanted: [entry(7), entry(8)] })
        assert.strictEqual(Raw.only(yield* device.answersTo(ping()), "PingSuccess").subscriptionVersion, 3)
        assert.strictEqual(yield* versionAfter({ version: 4, wanted: "everything" }), 4)
        assert.deepStrictEqual(session.subscription, { version: 4, wanted: "everything" })
      })
    )
  )

  it.effect("is refused with more than 64 entries, as often as it is asked, and what was said before stays", () =>
    withRelay(
      2,
      Effect.gen(function* () {
        const { device, session, subscribe } = yield* joined
        const entries = (count: number) => Array.from({ length: count }, (_, ssrc) => entry(ssrc))
        Raw.only(yield* device.answersTo(subscribe({ version: 1, wanted: entries(64) })), "SubscribeSuccess")
        for (const count of [65, 130]) {
          const bytes = subscribe({ version: 2, wanted: entries(count) })
          for (let time = 0; time < 2; time++) {
            const { error } = Raw.only(yield* device.answersTo(bytes), "Refused")
            assert.strictEqual(error.code, 400)
            assert.include(error.reason, `at most 64 entries, not ${count}`)
          }
        }
        assert.deepStrictEqual(session.subscription, { version: 1, wanted: entries(64) })
      })
    )
  )

  it.effect("is believed to the device alone, and once", () =>
    withRelay(
      3,
      Effect.gen(function* () {
        const { cookie, device, session, subscribe } = yield* joined
        const bytes = subscribe({ version: 5, wanted: [entry(7)] })
        const [answer] = yield* device.answersTo(bytes)
        assert.deepStrictEqual(yield* device.answersTo(bytes), [answer!], "the same answer")
        const forged = subscribe({ version: 6, wanted: [] })
        forged[forged.length - 20]! ^= 1
        assert.deepStrictEqual(yield* device.answersTo(forged), [])

        const eve = yield* Raw.open("10.6.6.6:666")
        const captured = subscribe({ version: 7, wanted: [] })
        const answers = yield* eve.answersTo(captured)
        const { cookie: evesCookie } = Raw.only(answers, "Challenge")
        assert.isAtMost(answers[0]!.length, captured.length)
        assert.strictEqual(session.subscription?.version, 5)
        Raw.only(yield* eve.answersTo(subscribe({ version: 8, wanted: [] }, cookie)), "Challenge")
        assert.strictEqual(session.subscription?.version, 5)

        // The device itself, from another address: it is heard, and its session stays where it is.
        const before = session.leg.hop.send.address.slice()
        Raw.only(yield* eve.answersTo(subscribe({ version: 9, wanted: [] }, evesCookie)), "SubscribeSuccess")
        assert.strictEqual(session.subscription?.version, 9)
        assert.deepStrictEqual(session.leg.hop.send.address.slice(), before)
      })
    )
  )

  it.effect("arrives over a path that loses half of all datagrams, the last of many wishes", () =>
    withRelay(
      4,
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const client = yield* CallClient.join({
          relays: [RelayInView.address],
          token: yield* Raw.mint("ada"),
          streams: [],
          sharedSecret: undefined,
          host: "10.0.0.2",
          port: 5000
        })
        const lossy = { ...LinkEmulator.perfect, latencyMs: 10, jitterMs: 30, lossRatio: 0.5 }
        yield* network.setLink("10.0.0.2", RelayInView.host, lossy)
        yield* network.setLink(RelayInView.host, "10.0.0.2", lossy)
        for (let ssrc = 1; ssrc <= 100; ssrc++) {
          yield* client.subscribe([entry(ssrc), entry(1_000_000)])
          yield* Effect.sleep("20 millis")
        }
        yield* Effect.sleep("10 seconds")
        const session = yield* onlySession
        assert.deepStrictEqual(session.subscription, { version: 100, wanted: [entry(100), entry(1_000_000)] })
      })
    )
  )

  it.effect("is found again when the session was restored and has lost it", () =>
    withRelay(
      5,
      Effect.gen(function* () {
        const client = yield* CallClient.join({
          relays: [RelayInView.address],
          token: yield* Raw.mint("ada"),
          streams: [],
          sharedSecret: undefined,
          host: "10.0.0.2",
          port: 5000
        })
        yield* client.subscribe([entry(7)])
        yield* Effect.sleep("100 millis")
        const session = yield* onlySession
        session.subscription = undefined
        yield* Effect.sleep("6 seconds")
        assert.deepStrictEqual(session.subscription, { version: 1, wanted: [entry(7)] })
      })
    )
  )
})

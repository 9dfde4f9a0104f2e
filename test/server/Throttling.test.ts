import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream, SubscriptionRef } from "effect"
import { TestClock } from "effect/testing"
import * as CallToken from "../../src/access/CallToken.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import { refusalCodes } from "../../src/protocol/ControlMessage.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import type { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import { Refused } from "../../src/throttle/Refused.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as Raw from "./RawDevice.ts"

const busy = Effect.fail(new Refused({ reason: "Overloaded", retryAfterMs: 4000 }))

/** A relay that is as busy as the test says. */
const scene = Effect.gen(function* () {
  const withheld = yield* SubscriptionRef.make<ReadonlyArray<QualityExtra>>([])
  const asked: Array<Throttle.AdmissionRequest> = []
  const said = { isBusy: false }
  const throttle = Layer.succeed(
    Throttle.Throttle,
    Throttle.make(
      (request) => {
        asked.push(request)
        return said.isBusy ? busy : Effect.void
      },
      { withheld: SubscriptionRef.changes(withheld) }
    )
  )
  const relay = Relay.layerWith({
    keyRing: Raw.keyRing,
    host: "10.0.0.1",
    port: 3478,
    audioRingBytes: 1 << 20,
    videoRingBytes: 1 << 20,
    drainTimeoutMs: 0
  }).pipe(
    Layer.provide([throttle, SingleRunner.layer, CallStore.layerMemory]),
    Layer.provideMerge(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
  )
  return { asked, relay, said, withheld }
})

const join = Effect.fnUntraced(function* (n: number) {
  return yield* CallClient.join({
    relays: [Raw.relayAddress],
    token: yield* Raw.mint(`p${n}`),
    streams: [{ kind: "audio", codec: "opus", clockRate: 48000, payloadType: 111 }],
    sharedSecret: undefined,
    host: `10.0.1.${n}`
  })
})

const inVirtualTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(Effect.scoped, Raw.passing, Raw.inThePresent)

describe("a relay under load", () => {
  it.effect("tells devices what they go without, those that come later too, and takes it back", () =>
    Effect.gen(function* () {
      const { relay, withheld } = yield* scene
      yield* Effect.gen(function* () {
        const told: Array<ReadonlyArray<QualityExtra>> = []
        const listen = ({ connection }: CallClient.CallClient) =>
          connection.pipe(
            Stream.runForEach((event) =>
              Effect.sync(() => void (event._tag === "ExtrasWithheld" && told.push(event.extras)))
            ),
            Effect.forkScoped
          )
        yield* listen(yield* join(1))
        yield* SubscriptionRef.set(withheld, ["fec"])
        yield* Effect.sleep("500 millis")
        assert.deepStrictEqual(told, [["fec"]])
        yield* listen(yield* join(2))
        yield* Effect.sleep("500 millis")
        assert.deepStrictEqual(told, [["fec"], ["fec"]])
        yield* SubscriptionRef.set(withheld, [])
        yield* Effect.sleep("500 millis")
        assert.deepStrictEqual(told, [["fec"], ["fec"], [], []])
      }).pipe(Effect.provide(relay))
    }).pipe(inVirtualTime)
  )

  it.effect("may complete one call of two, and no more than that", () =>
    Effect.gen(function* () {
      const { asked, relay } = yield* scene
      yield* Effect.gen(function* () {
        const names = ["ada", "lin", "eve"]
        for (const [n, name] of names.entries()) {
          const device = yield* Raw.open(`10.0.3.${n + 1}:5000`)
          const token = CallToken.mint(Raw.keyRing, {
            callClass: "one-to-one-audio",
            call: CallId.make("two"),
            participant: ParticipantId.make(name),
            expiresAtSeconds: 1_800_000_300
          })
          yield* Raw.join(device, token, { legTag: 20 + n, streams: [] })
        }
        assert.deepStrictEqual(
          asked.map(({ completesCall }) => completesCall),
          [false, true, false]
        )
      }).pipe(Effect.provide(relay))
    }).pipe(inVirtualTime)
  )

  it.effect("refuses to show more, and the device asks again when it may; to show less is no question", () =>
    Effect.gen(function* () {
      const { asked, relay, said } = yield* scene
      yield* Effect.gen(function* () {
        const client = yield* join(1)
        const before = asked.length
        yield* client.subscribe([])
        yield* Effect.sleep("100 millis")
        assert.strictEqual(asked.length, before)
        said.isBusy = true
        yield* client.subscribe([{ ssrc: 7, place: "grid", heightPx: 0 }])
        yield* Effect.sleep("3900 millis")
        assert.strictEqual(asked.length, before + 1)
        said.isBusy = false
        yield* Effect.sleep("10 seconds")
        assert.strictEqual(asked.length, before + 2)
        assert.strictEqual(asked.at(-1)!.priority, "new-group-video")
      }).pipe(Effect.provide(relay))
    }).pipe(inVirtualTime)
  )

  it.effect("who was refused and asks again too soon is challenged and no more; the others notice nothing", () =>
    Effect.gen(function* () {
      const { asked, relay, said } = yield* scene
      yield* Effect.gen(function* () {
        const device = yield* Raw.open("10.0.2.1:5000")
        const token = yield* Raw.mint("eager", "another")
        const request = { _tag: "JoinRequest" as const, token: token.claimsBytes, streams: [], legTag: 9 }
        const ask = (cookie?: Uint8Array) =>
          Raw.signed(
            { ...request, transactionId: Raw.transactionId(), counter: 1, ...(cookie && { cookie }) },
            token.key
          )
        const { cookie } = Raw.only(yield* device.answersTo(ask()), "Challenge")
        said.isBusy = true
        const first = ask(cookie)
        const refused = yield* device.answersTo(first)
        const { error, retryAfterMs } = Raw.only(refused, "Refused")
        assert.strictEqual(error.code, refusalCodes.busy)
        assert.strictEqual(retryAfterMs, 4000)
        // The answer may have been lost: the same request gets it again, byte for byte.
        assert.deepStrictEqual(yield* device.answersTo(first), refused)
        const before = asked.length
        said.isBusy = false
        for (let n = 0; n < 20; n++) Raw.only(yield* device.answersTo(ask(cookie)), "Challenge")
        assert.strictEqual(asked.length, before)
        const patient = yield* Raw.open("10.0.2.2:5000")
        yield* Raw.join(patient, yield* Raw.mint("patient", "another"), { legTag: 10, streams: [] })
        yield* TestClock.adjust("4 seconds")
        Raw.only(yield* device.answersTo(ask(cookie)), "JoinSuccess")
      }).pipe(Effect.provide(relay))
    }).pipe(inVirtualTime)
  )

  it.effect("a device that comes back to its call is let in, with its ticket and with its token", () =>
    Effect.gen(function* () {
      const { relay, said } = yield* scene
      yield* Effect.gen(function* () {
        const device = yield* Raw.open("10.0.2.1:5000")
        const token = yield* Raw.mint("ada")
        const granted = yield* Raw.join(device, token, { legTag: 9, streams: [] })
        said.isBusy = true
        const resume = {
          _tag: "ResumeRequest" as const,
          transactionId: Raw.transactionId(),
          counter: 3,
          legTag: 10,
          ticket: granted.ticket,
          epoch: granted.epoch,
          cookie: granted.cookie
        }
        Raw.only(yield* device.answersTo(Raw.signed(resume, token.key)), "ResumeSuccess")
        const again = { ...granted.request, transactionId: Raw.transactionId(), counter: 4, legTag: 11 }
        Raw.only(yield* device.answersTo(Raw.signed(again, token.key)), "JoinSuccess")
      }).pipe(Effect.provide(relay))
    }).pipe(inVirtualTime)
  )
})

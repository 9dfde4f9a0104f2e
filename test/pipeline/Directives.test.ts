import { assert, describe, it } from "@effect/vitest"
import { Effect, Equal, Hash, Layer, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import { ControlOutbox } from "../../src/pipeline/ControlOutbox.ts"
import { Directives } from "../../src/pipeline/Directives.ts"
import * as RelayCore from "../../src/pipeline/RelayCore.ts"
import * as RelayLeg from "../../src/pipeline/RelayLeg.ts"
import * as RelayPeers from "../../src/pipeline/RelayPeers.ts"
import * as Session from "../../src/pipeline/Session.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import { CallId, ParticipantId, RelayId } from "../../src/protocol/Ids.ts"
import type { QualityExtra } from "../../src/protocol/QualityExtra.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../server/RawDevice.ts"

const key = new Uint8Array(32).fill(5)
const options: RelayCore.RelayOptions = {
  relayId: RelayId.make("relay"),
  host: "10.0.0.1",
  port: 3478,
  keyRing: Raw.keyRing,
  advertised: undefined,
  audioRingBytes: 1 << 20,
  videoRingBytes: 1 << 20,
  drainTimeoutMs: 500,
  repair: true
}

type Directive = ControlMessage.VideoDirective | ControlMessage.ExtrasDirective

/** Directives, and what of them has gone out. */
const withDirectives = <A, E>(test: (sent: ReadonlyArray<Directive>) => Effect.Effect<A, E, Directives>) => {
  const sent: Array<Directive> = []
  const send = (bytes: Uint8Array) => {
    const { message } = Result.getOrThrow(ControlMessage.decode(bytes))
    assert.isTrue(message._tag === "VideoDirective" || message._tag === "ExtrasDirective")
    if (message._tag === "VideoDirective" || message._tag === "ExtrasDirective") sent.push(message)
  }
  return test(sent).pipe(
    Effect.provide(
      Directives.layer.pipe(
        Layer.provide([Layer.succeed(ControlOutbox, { send }), RelayPeers.layerFixed([])]),
        Layer.provide(RelayCore.layer(options)),
        Layer.provide([SecureRandom.layerWebCrypto, SimulatedNetwork.layer(LinkEmulator.perfect)])
      )
    )
  )
}

const makeSession = () => {
  const call = CallId.make("call")
  const leg = RelayLeg.make({
    call,
    participant: ParticipantId.make("ada"),
    streams: [],
    receiveTag: 1,
    sendTag: 2,
    epoch: 1,
    address: new Uint32Array(5),
    repair: true
  })
  return Session.make(leg, { epoch: 1, restores: 0 }, { callClass: "group-audio", keyId: "1" }, key, { counter: 1 }, 0)
}

/** The device's answer to one of them. */
const answerTo = ({ counter, transactionId }: Directive) => {
  const success: ControlMessage.DirectiveSuccess = { _tag: "DirectiveSuccess", transactionId, counter }
  const bytes = MessageIntegrity.sign(ControlMessage.encode(success), key)
  return [success, bytes, Result.getOrThrow(ControlMessage.decode(bytes)).integrity!] as const
}

type Tell = (directives: Directives["Service"], session: Session.Session, version: number) => Effect.Effect<void>
const allocation = (version: number) => ({ version, streams: [{ ssrc: 7, rateBps: 100_000 * version }] })
const withheld = (version: number): ReadonlyArray<QualityExtra> => (version === 1 ? ["fec", "duplication"] : ["fec"])

const tellsOnce = (tell: Tell, versionOf: (directive: Directive) => number) => {
  it.effect("is repeated until the device has acknowledged it, and replaced by what is newer", () =>
    withDirectives((sent) =>
      Effect.gen(function* () {
        const directives = yield* Directives
        const session = makeSession()
        yield* tell(directives, session, 1)
        yield* TestClock.adjust("2 seconds")
        assert.isAtLeast(sent.length, 4)
        assert.isTrue(sent.every((directive) => versionOf(directive) === 1 && directive.legTag === 2))
        assert.strictEqual(new Set(sent.map(({ counter }) => counter)).size, 1)

        yield* tell(directives, session, 2)
        yield* TestClock.adjust("1 second")
        const firstOfNewest = sent.findIndex((directive) => versionOf(directive) === 2)
        assert.isAtLeast(firstOfNewest, 4)
        assert.isTrue(sent.slice(firstOfNewest).every((directive) => versionOf(directive) === 2))
        assert.isAbove(sent[firstOfNewest]!.counter, sent[0]!.counter)

        assert.strictEqual(directives.acknowledge(...answerTo(sent.at(-1)!)), "acknowledged")
        const count = sent.length
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(sent.length, count)
      })
    )
  )

  it.effect("is not told any more to who has left", () =>
    withDirectives((sent) =>
      Effect.gen(function* () {
        const directives = yield* Directives
        const session = makeSession()
        yield* tell(directives, session, 1)
        yield* TestClock.adjust("1 second")
        yield* directives.forget(session)
        const count = sent.length
        assert.isAbove(count, 0)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(sent.length, count)
      })
    )
  )
}

describe("which video a device is to send", () => {
  tellsOnce(
    ({ sendVideo }, session, version) => sendVideo(session, allocation(version)),
    (directive) => (directive._tag === "VideoDirective" ? directive.allocation.version : 0)
  )

  it("is kept by session, and a session is itself, whatever is in it and its call", () => {
    const [one, other] = [makeSession(), makeSession()]
    assert.isFalse(Equal.equals(one, other))
    const hash = Hash.hash(one)
    // Each leg of a group refers to all others: going through them would take for ever.
    const legs = Array.from({ length: 12 }, () => makeSession().leg)
    for (const leg of legs) leg.sources = legs.filter((source) => source !== leg)
    one.leg.sources = legs
    one.lastDirective++
    assert.strictEqual(Hash.hash(one), hash)
    assert.isTrue(Equal.equals(one, one))
  })
})

describe("what a device is to go without", () => {
  tellsOnce(
    ({ sendExtras }, session, version) => sendExtras(session, withheld(version)),
    (directive) => (directive._tag === "ExtrasDirective" ? 3 - directive.withheld.length : 0)
  )

  it.effect("does not stop what is said of video", () =>
    withDirectives((sent) =>
      Effect.gen(function* () {
        const { sendExtras, sendVideo } = yield* Directives
        const session = makeSession()
        yield* sendVideo(session, allocation(1))
        yield* sendExtras(session, [])
        yield* TestClock.adjust("1 second")
        const last = sent.slice(-2)
        assert.sameMembers(
          last.map(({ _tag }) => _tag),
          ["VideoDirective", "ExtrasDirective"]
        )
      })
    )
  )
})

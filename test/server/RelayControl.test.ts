import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as AddressCookie from "../../src/access/AddressCookie.ts"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as CallToken from "../../src/access/CallToken.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Stun from "../../src/protocol/Stun.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "./RawDevice.ts"

const ada = "10.0.0.2:5000"
const lin = "10.0.0.3:5000"

/** Each test has a relay of its own. */
const withRelay = <A, E, R>(test: Effect.Effect<A, E, R>, options = {}) =>
  Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    Effect.provide(Raw.layerRelay(options)),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

describe("relay, control plane", () => {
  it.effect("lets a participant in who has proved address and token, and tells everybody", () =>
    withRelay(
      Effect.gen(function* () {
        const [first, second] = [yield* Raw.open(ada), yield* Raw.open(lin)]
        const granted = yield* Raw.join(first, yield* Raw.mint("ada"), { legTag: 11, streams: [Raw.audio(1)] })
        assert.strictEqual(PackedAddress.format(granted.mappedAddress), ada)
        assert.notStrictEqual(granted.legTag, 0)
        assert.strictEqual(granted.roster?._tag, "RosterDirective")
        first.received.length = 0
        yield* Raw.join(second, yield* Raw.mint("lin"), { legTag: 12, streams: [Raw.audio(2)] })
        const roster = Raw.only(first.received, "RosterDirective")
        assert.strictEqual(roster.legTag, 11, "names the session as its device does")
        assert.deepStrictEqual(
          roster.entries.map(({ participant, streams }) => [participant, streams.map(({ ssrc }) => ssrc)]),
          [
            ["ada", [1]],
            ["lin", [2]]
          ]
        )
      })
    )
  )

  it.effect("answers a repeated join with the same bytes, and makes one session", () =>
    withRelay(
      Effect.gen(function* () {
        const device = yield* Raw.open(ada)
        const token = yield* Raw.mint("ada")
        const granted = yield* Raw.join(device, token, { legTag: 11, streams: [] })
        const again = yield* device.answersTo(Raw.signed(granted.request, token.key))
        const repeated = Raw.only(again, "JoinSuccess")
        assert.strictEqual(repeated.legTag, granted.legTag)
        assert.deepStrictEqual(repeated.ticket, granted.ticket)
      })
    )
  )

  it.effect("repeats the roster until it is acknowledged", () =>
    withRelay(
      Effect.gen(function* () {
        const device = yield* Raw.open(ada)
        const token = yield* Raw.mint("ada")
        const { roster } = yield* Raw.join(device, token, { legTag: 11, streams: [] })
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(Raw.messagesIn(device.received), [])
        const other = yield* Raw.open(lin)
        yield* Raw.join(other, yield* Raw.mint("lin"), { legTag: 12, streams: [] })
        yield* TestClock.adjust("2 seconds")
        const copies = Raw.messagesIn(device.received).filter(({ _tag }) => _tag === "RosterDirective")
        assert.isAtLeast(copies.length, 3)
        assert.strictEqual(new Set(copies.map(({ transactionId }) => transactionId.join())).size, 1)
        assert.strictEqual(roster?._tag, "RosterDirective")
      })
    )
  )

  it.effect("says what is wrong with a token, in fewer bytes than it was asked with", () =>
    withRelay(
      Effect.gen(function* () {
        const device = yield* Raw.open(ada)
        const stranger = KeyRing.make({ keys: [{ id: "k1", secret: new Uint8Array(32).fill(9) }] })
        const expired = yield* Raw.mint("ada", "call", -200)
        const good = yield* Raw.mint("ada")
        const otherRing = CallToken.mint(stranger, good.claims)
        const otherKey = CallToken.mint(KeyRing.make({ keys: [{ id: "k2", secret: new Uint8Array(32) }] }), good.claims)
        for (const [token, code] of [
          [expired, 440],
          [otherRing, 401],
          [otherKey, 401]
        ] as const) {
          const request = { _tag: "JoinRequest" as const, token: token.claimsBytes, legTag: 1, streams: [] }
          const first = yield* device.answersTo(
            Raw.signed({ ...request, transactionId: Raw.transactionId(), counter: 1 }, token.key)
          )
          const { cookie } = Raw.only(first, "Challenge")
          const bytes = Raw.signed({ ...request, transactionId: Raw.transactionId(), counter: 2, cookie }, token.key)
          const answers = yield* device.answersTo(bytes)
          const refused = Raw.only(answers, "Refused")
          assert.strictEqual(refused.error.code, code)
          assert.isDefined(refused.relayTimeMs)
          assert.isAtMost(answers[0]!.length, bytes.length)
        }
      })
    )
  )

  it.effect("moves a device only by a ping that is authentic, new, and answered from the new address", () =>
    withRelay(
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const device = yield* Raw.open(ada)
        const attacker = yield* Raw.open("10.6.6.6:666")
        const token = yield* Raw.mint("ada")
        const { legTag } = yield* Raw.join(device, token, { legTag: 11, streams: [] })
        const ping = (counter: number, cookie?: Uint8Array) =>
          Raw.signed(
            { _tag: "PingRequest", transactionId: Raw.transactionId(), legTag, counter, ...(cookie && { cookie }) },
            token.key
          )
        const old = ping(3)
        Raw.only(yield* device.answersTo(old), "PingSuccess")
        // The same ping is answered once more where it came from; from elsewhere it moves nobody.
        Raw.only(yield* device.answersTo(old), "PingSuccess")
        const { cookie: stolen } = Raw.only(yield* attacker.answersTo(old), "Challenge")
        assert.deepStrictEqual(yield* attacker.answersTo(ping(4, stolen).fill(0, 40, 41)), [])

        yield* network.rebind(ada, "172.16.0.9:4444")
        const { cookie } = Raw.only(yield* device.answersTo(ping(5)), "Challenge")
        const wrong = AddressCookie.make(Raw.keyRing, new Uint32Array(5), 1)
        Raw.only(yield* device.answersTo(ping(6, wrong)), "Challenge")
        const moved = Raw.only(yield* device.answersTo(ping(7, cookie)), "PingSuccess")
        assert.strictEqual(PackedAddress.format(moved.mappedAddress), "172.16.0.9:4444")
        // What the relay sends of its own accord goes to the new address.
        const other = yield* Raw.open(lin)
        device.received.length = 0
        yield* Raw.join(other, yield* Raw.mint("lin"), { legTag: 12, streams: [] })
        assert.isNotEmpty(Raw.messagesIn(device.received).filter(({ _tag }) => _tag === "RosterDirective"))
      })
    )
  )

  it.effect("tells nobody about an address that has changed", () =>
    withRelay(
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const [device, other] = [yield* Raw.open(ada), yield* Raw.open(lin)]
        const token = yield* Raw.mint("ada")
        const { legTag } = yield* Raw.join(device, token, { legTag: 11, streams: [] })
        yield* Raw.join(other, yield* Raw.mint("lin"), { legTag: 12, streams: [] })
        yield* TestClock.adjust("20 seconds")
        other.received.length = 0
        yield* network.rebind(ada, "172.16.0.9:4444")
        const ping = (counter: number, cookie?: Uint8Array) =>
          Raw.signed(
            { _tag: "PingRequest", transactionId: Raw.transactionId(), legTag, counter, ...(cookie && { cookie }) },
            token.key
          )
        const { cookie } = Raw.only(yield* device.answersTo(ping(5)), "Challenge")
        Raw.only(yield* device.answersTo(ping(6, cookie)), "PingSuccess")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(other.received, [])
      })
    )
  )

  it.effect("resumes with the newest ticket only", () =>
    withRelay(
      Effect.gen(function* () {
        const device = yield* Raw.open(ada)
        const token = yield* Raw.mint("ada")
        const granted = yield* Raw.join(device, token, { legTag: 11, streams: [Raw.audio(1)] })
        const resume = (ticket: Uint8Array, epoch: number, legTag: number) =>
          Raw.signed(
            {
              _tag: "ResumeRequest",
              transactionId: Raw.transactionId(),
              ticket,
              cookie: granted.cookie,
              counter: 3,
              legTag,
              epoch
            },
            token.key
          )
        const resumed = Raw.only(yield* device.answersTo(resume(granted.ticket, granted.epoch, 21)), "ResumeSuccess")
        assert.strictEqual(resumed.epoch, granted.epoch + 1)
        assert.notStrictEqual(resumed.legTag, granted.legTag)
        const stale = Raw.only(yield* device.answersTo(resume(granted.ticket, granted.epoch, 22)), "Refused")
        assert.strictEqual(stale.error.code, ControlMessage.refusalCodes.ticketInvalid)
        const forged = resumed.ticket.slice()
        forged[forged.length - 1]! ^= 1
        const refused = Raw.only(yield* device.answersTo(resume(forged, resumed.epoch, 23)), "Refused")
        assert.strictEqual(refused.error.code, ControlMessage.refusalCodes.ticketInvalid)
      })
    )
  )

  it.effect("forgets who leaves, and who is silent for 30 s", () =>
    withRelay(
      Effect.gen(function* () {
        const [first, second] = [yield* Raw.open(ada), yield* Raw.open(lin)]
        const token = yield* Raw.mint("ada")
        const { legTag } = yield* Raw.join(first, token, { legTag: 11, streams: [] })
        const linToken = yield* Raw.mint("lin")
        const linGranted = yield* Raw.join(second, linToken, { legTag: 12, streams: [] })
        const leave = Raw.signed(
          { _tag: "LeaveRequest", transactionId: Raw.transactionId(), legTag, counter: 9 },
          token.key
        )
        second.received.length = 0
        Raw.only(yield* first.answersTo(leave), "LeaveSuccess")
        Raw.only(yield* first.answersTo(leave), "LeaveSuccess")
        const roster = Raw.messagesIn(second.received).find(({ _tag }) => _tag === "RosterDirective")
        assert.deepStrictEqual(
          roster?._tag === "RosterDirective" && roster.entries.map(({ participant }) => String(participant)),
          ["lin"]
        )
        const ping = (counter: number) =>
          Raw.signed(
            { _tag: "PingRequest", transactionId: Raw.transactionId(), legTag: linGranted.legTag, counter },
            linToken.key
          )
        yield* TestClock.adjust("29 seconds")
        Raw.only(yield* second.answersTo(ping(20)), "PingSuccess")
        yield* TestClock.adjust("32 seconds")
        assert.deepStrictEqual(yield* second.answersTo(ping(21)), [])
      })
    )
  )

  it.effect("tells its devices when it stops, and waits no longer than for their answers", () =>
    Effect.gen(function* () {
      const heard: Array<Uint8Array> = []
      yield* withRelay(
        Effect.gen(function* () {
          const device = yield* Raw.open(ada)
          yield* Raw.join(device, yield* Raw.mint("ada"), { legTag: 11, streams: [] })
          yield* Effect.addFinalizer(() => Effect.sync(() => heard.push(...device.received)))
        }),
        { otherRelays: ["10.0.0.9:3478"] }
      )
      const first = Raw.messagesIn(heard).find(({ _tag }) => _tag === "GoingAwayDirective")
      assert.deepInclude(first, { _tag: "GoingAwayDirective", legTag: 11, relays: ["10.0.0.9:3478"] })
    })
  )

  it.effect("answers Binding to anybody, ten times a second to one prefix", () =>
    withRelay(
      Effect.gen(function* () {
        const devices = [yield* Raw.open("10.1.1.2:1"), yield* Raw.open("10.1.1.3:1"), yield* Raw.open("10.1.2.2:1")]
        const bare = () => Stun.encodeHeader({ class: "request", method: 1, transactionId: Raw.transactionId() })
        for (let n = 0; n < 20; n++) for (const device of devices) yield* device.sendBytes(bare())
        yield* TestClock.adjust("50 millis")
        const answers = devices.map(({ received }) => Raw.messagesIn(received).length)
        assert.strictEqual(answers[0]! + answers[1]!, 10)
        assert.strictEqual(answers[2], 10)
        const answer = Raw.messagesIn(devices[2]!.received)[0]
        assert.strictEqual(
          answer?._tag === "BindingSuccess" && PackedAddress.format(answer.mappedAddress),
          "10.1.2.2:1"
        )
      })
    )
  )
})

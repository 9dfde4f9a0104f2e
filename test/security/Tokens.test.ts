import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as CallToken from "../../src/access/CallToken.ts"
import type * as KeyRing from "../../src/access/KeyRing.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import { ringOf } from "../access/Vectors.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Duet from "./Duet.ts"
import * as RelayLife from "./RelayLife.ts"
import * as RunningCall from "./RunningCall.ts"

const { refusalCodes } = ControlMessage
const timeoutMs = 60_000

const inWorld = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    Effect.provide(RelayLife.world),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

const mintUnder = (ring: KeyRing.KeyRing, participant: string, expiresInSeconds = 300) =>
  Effect.map(Clock.currentTimeMillis, (nowMs) =>
    CallToken.mint(ring, {
      callClass: "group-audio",
      call: CallId.make("call"),
      participant: ParticipantId.make(participant),
      expiresAtSeconds: Math.floor(nowMs / 1000) + expiresInSeconds
    })
  )

/** What a join with this token comes to: "JoinSuccess", or the code of the refusal. */
const joinOutcome = Effect.fnUntraced(function* (device: Duet.Device, token: CallToken.CallToken, legTag: number) {
  const request = { _tag: "JoinRequest" as const, token: token.claimsBytes, legTag, streams: [] }
  const first = yield* device.answersTo(
    Raw.signed({ ...request, transactionId: Raw.transactionId(), counter: 1 }, token.key)
  )
  const { cookie } = Raw.only(first, "Challenge")
  const again = Raw.signed({ ...request, transactionId: Raw.transactionId(), counter: 2, cookie }, token.key)
  return outcomeOf(yield* device.answersTo(again))
})

const outcomeOf = (answers: ReadonlyArray<Uint8Array>): string | number => {
  const message = Raw.messagesIn(answers).find(({ _tag }) => _tag !== "RosterDirective")
  return message?._tag === "Refused" ? message.error.code : (message?._tag ?? "nothing")
}

describe("tokens", () => {
  it.effect(
    "a running call goes on over a rotation of the fleet's keys, relay by relay",
    () =>
      Effect.gen(function* () {
        const rings = [ringOf("april"), ringOf("may", "april"), ringOf("may")] as const
        const tokens = yield* Effect.forEach(["p0", "p1"], (name) => mintUnder(rings[0], name))
        const outer = yield* Effect.scope
        const call = yield* Effect.gen(function* () {
          const members = tokens.map((token, n) => ({ token, host: `10.0.2.${n + 1}` }))
          const call = yield* RunningCall.start({ relay: Raw.relayAddress, members }).pipe(Scope.provide(outer))
          yield* Effect.forkIn(call.speak, outer)
          yield* Effect.sleep("5 seconds")
          return call
        }).pipe((life) => RelayLife.during(life, { keyRing: rings[0] }))
        const before = call.outcome()
        yield* RelayLife.during(Effect.sleep("10 seconds"), { keyRing: rings[1] })
        call.outcome().forEach(({ firstWrong, heard, resumed }, member) => {
          assert.isUndefined(firstWrong)
          assert.strictEqual(resumed, 0, `member ${member}: its session goes on by itself`)
          assert.isAbove(heard - before[member]!.heard, 300, `member ${member} hears on`)
        })
      }).pipe(inWorld),
    timeoutMs
  )

  it.effect(
    "a key that is taken out stops tickets, tokens and cookies of it at once; one that is kept does not",
    () =>
      Effect.gen(function* () {
        const rings = [ringOf("april"), ringOf("may", "april"), ringOf("may")] as const
        const device = yield* Raw.open(Duet.addresses.ada)
        const token = yield* mintUnder(rings[0], "ada")
        const first = yield* RelayLife.during(Raw.join(device, token, { legTag: 11, streams: [] }), {
          keyRing: rings[0]
        })
        const resume = (granted: { readonly ticket: Uint8Array; readonly epoch: number }, counter: number) =>
          device.answersTo(
            Raw.signed(
              {
                _tag: "ResumeRequest",
                transactionId: Raw.transactionId(),
                ticket: granted.ticket,
                cookie: first.cookie,
                counter,
                legTag: counter,
                epoch: granted.epoch
              },
              token.key
            )
          )
        // The cookie is of the old key too, and is asked for no more than once.
        const second = yield* RelayLife.during(
          Effect.map(resume(first, 20), (answers) => Raw.only(answers, "ResumeSuccess")),
          { keyRing: rings[1] }
        )
        yield* Effect.gen(function* () {
          const { cookie } = Raw.only(yield* resume(second, 30), "Challenge")
          assert.isDefined(cookie)
          // Sealed under the key that is kept, for a participant of the key that is not.
          const message = Raw.signed(
            {
              _tag: "ResumeRequest",
              transactionId: Raw.transactionId(),
              ticket: second.ticket,
              cookie,
              counter: 31,
              legTag: 31,
              epoch: second.epoch
            },
            token.key
          )
          assert.strictEqual(outcomeOf(yield* device.answersTo(message)), refusalCodes.ticketInvalid)
          assert.strictEqual(yield* joinOutcome(device, token, 32), refusalCodes.notAuthentic)
          const renewed = yield* mintUnder(rings[2], "ada")
          assert.strictEqual(yield* joinOutcome(device, renewed, 33), "JoinSuccess")
        }).pipe((life) => RelayLife.during(life, { keyRing: rings[2] }))
      }).pipe(inWorld),
    timeoutMs
  )

  it.effect("another participant's ticket is refused with 441, whoever signs, and moves nobody", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* Raw.open(Duet.addresses.ada), yield* Raw.open(Duet.addresses.lin)]
      const { place: ada } = yield* Duet.join(first, { name: "ada", ssrc: 1, deviceTag: 11 })
      const { place: lin } = yield* Duet.join(second, { name: "lin", ssrc: 2, deviceTag: 12 })
      const stolen = Duet.resume({ ...ada, ticket: lin.ticket, epoch: lin.epoch }, 21)
      assert.strictEqual(outcomeOf(yield* first.answersTo(stolen)), refusalCodes.ticketInvalid)
      const unsigned = Duet.resume({ ...lin, cookie: ada.cookie, token: { ...lin.token, key: new Uint8Array(32) } }, 22)
      assert.strictEqual(outcomeOf(yield* first.answersTo(unsigned)), refusalCodes.ticketInvalid)
      yield* Duet.passSeconds(20, ada, lin)
      yield* Duet.isUnharmed(ada, lin)
    }).pipe(RelayLife.during, inWorld)
  )

  it.effect("a token is good for a minute longer than it says, for clocks differ, and not a second more", () =>
    Effect.gen(function* () {
      const device = yield* Raw.open(Duet.addresses.ada)
      assert.strictEqual(yield* joinOutcome(device, yield* mintUnder(Raw.keyRing, "ada", -58), 1), "JoinSuccess")
      assert.strictEqual(
        yield* joinOutcome(device, yield* mintUnder(Raw.keyRing, "ada", -61), 2),
        refusalCodes.tokenExpired
      )
    }).pipe(RelayLife.during, inWorld)
  )

  it.effect("claims that were changed are nobody's: each byte of a token", () =>
    Effect.gen(function* () {
      const device = yield* Raw.open(Duet.addresses.ada)
      const token = yield* mintUnder(Raw.keyRing, "ada")
      const outcomes = new Set<string | number>()
      for (let at = 0; at < token.claimsBytes.length; at++) {
        const claimsBytes = token.claimsBytes.map((byte, place) => (place === at ? byte ^ 1 : byte))
        outcomes.add(yield* joinOutcome(device, { ...token, claimsBytes }, 1))
      }
      assert.deepStrictEqual([...outcomes].sort(), [refusalCodes.malformed, refusalCodes.notAuthentic])
    }).pipe(RelayLife.during, inWorld)
  )
})

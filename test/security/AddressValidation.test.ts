import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import * as AddressCookie from "../../src/access/AddressCookie.ts"
import * as CallToken from "../../src/access/CallToken.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import { ringOf, withFlippedBit } from "../access/Vectors.ts"
import * as Raw from "../server/RawDevice.ts"
import type * as Duet from "./Duet.ts"
import * as RelayLife from "./RelayLife.ts"

const address = "10.0.0.2:5000"
/** Of the fleet: a key that makes cookies, and one whose cookies are still good. */
const ring = ringOf("may", "april")

const withRelay = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.adjust("700 seconds"), test).pipe(
    (life) => RelayLife.during(life, { keyRing: ring }),
    Effect.provide(RelayLife.world),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

/** What a join with this cookie, and with everything else in order, is answered at `address`. */
const answerWith = Effect.fnUntraced(function* (device: Duet.Device, cookie: Uint8Array, participant = "ada") {
  const token = CallToken.mint(ring, {
    callClass: "group-audio",
    call: CallId.make("call"),
    participant: ParticipantId.make(participant),
    expiresAtSeconds: Math.floor((yield* Clock.currentTimeMillis) / 1000) + 300
  })
  const request = {
    _tag: "JoinRequest" as const,
    token: token.claimsBytes,
    cookie,
    counter: 1,
    legTag: 11,
    streams: []
  }
  const join = Raw.signed({ ...request, transactionId: Raw.transactionId() }, token.key)
  const answers = Raw.messagesIn(yield* device.answersTo(join))
  return answers.filter(({ _tag }) => _tag !== "RosterDirective").map(({ _tag }) => _tag)
})

/** A cookie as a relay of the fleet, or of another, would have made it. */
const cookieOf = Effect.fnUntraced(function* (options: {
  readonly for?: string
  readonly secondsAgo?: number
  readonly by?: typeof ring
}) {
  const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const packed = Result.getOrThrow(PackedAddress.parse(options.for ?? address))
  return AddressCookie.make(options.by ?? ring, packed, nowSeconds - (options.secondsAgo ?? 0))
})

describe("address validation", () => {
  it.effect("a cookie proves one address and port, for ten minutes, at every relay that has its key", () =>
    withRelay(
      Effect.gen(function* () {
        const device = yield* Raw.open(address)
        const good = [
          {},
          { secondsAgo: 590 },
          { by: ringOf("april") },
          { by: ringOf("may") },
          { for: "[::ffff:10.0.0.2]:5000" }
        ]
        for (const [n, options] of good.entries()) {
          const answer = yield* answerWith(device, yield* cookieOf(options), `p${n}`)
          assert.deepStrictEqual(answer, ["JoinSuccess"], JSON.stringify(options))
        }
      })
    )
  )

  it.effect("any other proves nothing: who shows it is asked for one, and nothing is kept", () =>
    withRelay(
      Effect.gen(function* () {
        const device = yield* Raw.open(address)
        const bad = [
          { for: "10.0.0.2:5001" },
          { for: "10.0.0.3:5000" },
          { for: "[2001:db8::2]:5000" },
          { secondsAgo: 602 },
          { secondsAgo: -70 },
          { by: ringOf("june") }
        ]
        for (const options of bad) {
          const answer = yield* answerWith(device, yield* cookieOf(options))
          assert.deepStrictEqual(answer, ["Challenge"], JSON.stringify(options))
        }
        const cookie = yield* cookieOf({})
        for (let bit = 0; bit < cookie.length * 8; bit++) {
          assert.deepStrictEqual(yield* answerWith(device, withFlippedBit(cookie, bit)), ["Challenge"], `bit ${bit}`)
        }
        for (const length of [12, 16, 24]) {
          assert.deepStrictEqual(yield* answerWith(device, new Uint8Array(length)), ["Challenge"])
        }
      })
    )
  )
})

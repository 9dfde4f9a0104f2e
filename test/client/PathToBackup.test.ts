import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import type * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as Raw from "../server/RawDevice.ts"
import { hosts, scene } from "./RelayScene.ts"
import { opus, sharedSecret } from "./Scene.ts"

const backupAddress = "10.0.0.9:3478"
const backups = { otherRelays: [backupAddress] }

/** A ping of no session, as of a device that has never been here. */
const probe = (key: Uint8Array) =>
  Raw.signed({ _tag: "PingRequest", transactionId: Raw.transactionId(), counter: 1 }, key)

/** What a relay does about a device that keeps a path to it open. */
describe("a ping of no session", () => {
  it.effect("is answered with a cookie that is good at once, by no more bytes than it has", () =>
    scene(
      360,
      Effect.gen(function* () {
        const device = yield* Raw.open("10.0.0.2:5000")
        const token = yield* Raw.mint("ada")
        const asked = probe(token.key)
        const answers = yield* device.answersTo(asked)
        const { cookie } = Raw.only(answers, "Challenge")
        assert.isAtMost(answers[0]!.length, asked.length)
        const join: ControlMessage.JoinRequest = {
          _tag: "JoinRequest",
          transactionId: Raw.transactionId(),
          token: token.claimsBytes,
          cookie,
          counter: 2,
          legTag: 7,
          streams: [Raw.audio(1)]
        }
        Raw.only(
          (yield* device.answersTo(Raw.signed(join, token.key))).filter((_, index) => index === 0),
          "JoinSuccess"
        )
      })
    )
  )

  it.effect("gets the same answer whoever has signed it, and does nothing, however often", () =>
    scene(
      361,
      Effect.gen(function* () {
        const device = yield* Raw.open("10.0.0.2:5000")
        const stranger = probe(new Uint8Array(32))
        for (let time = 0; time < 3; time++) {
          Raw.only(yield* device.answersTo(stranger), "Challenge")
        }
      })
    )
  )
})

describe("the answer to a ping", () => {
  it.effect("names the relays that may take over", () =>
    scene(
      362,
      Effect.gen(function* () {
        const device = yield* Raw.open("10.0.0.2:5000")
        const token = yield* Raw.mint("ada")
        const { legTag } = yield* Raw.join(device, token, { legTag: 7, streams: [] })
        const ping = Raw.signed(
          { _tag: "PingRequest", transactionId: Raw.transactionId(), legTag, counter: 3 },
          token.key
        )
        assert.deepStrictEqual(Raw.only(yield* device.answersTo(ping), "PingSuccess").relays, [backupAddress])
      }),
      backups
    )
  )
})

describe("a client", () => {
  it.effect("asks the backup that its relay names, in words that the relay understands", () =>
    scene(
      363,
      Effect.gen(function* () {
        const backup = yield* Raw.openTo(Raw.relayAddress, backupAddress)
        yield* CallClient.join({
          relays: [Raw.relayAddress],
          token: yield* Raw.mint("ada"),
          streams: [opus],
          sharedSecret,
          host: hosts.ada,
          port: 5000
        })
        yield* Effect.sleep("12 seconds")
        const asked = Raw.messagesIn(backup.received).map((message) => [message._tag, "legTag" in message])
        assert.isAtLeast(asked.length, 3)
        for (const question of asked) assert.deepStrictEqual(question, ["PingRequest", false])
        Raw.only(yield* backup.answersTo(backup.received.at(-1)!), "Challenge")
      }),
      backups
    )
  )
})

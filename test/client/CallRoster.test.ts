import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as RosterPages from "../../src/protocol/RosterPages.ts"
import * as PackedAddress from "../../src/sockets/PackedAddress.ts"
import * as FakeRelay from "./FakeRelay.ts"
import { during, joined, lin, linkMs, observe, optionsOf, relayA, rosterOf, run } from "./Scene.ts"

const settle = TestClock.adjust(3 * linkMs)

describe("roster", () => {
  it.effect("tells who comes, who goes, and nothing of oneself", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const { entry: self } = { entry: { participant: client.participant, streams: [] } }
      yield* relay.direct(rosterOf(1, [self, lin(1).entry]))
      yield* settle
      yield* relay.direct(rosterOf(2, [self, lin(2).entry]))
      yield* settle
      assert.deepStrictEqual(observed.roster, [
        { _tag: "Joined", ...lin(1).entry },
        { _tag: "Left", participant: lin(1).participant },
        { _tag: "Joined", ...lin(2).entry }
      ])
      const late = yield* client.roster.pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(late, [{ _tag: "Joined", ...lin(2).entry }])
    }).pipe(run(20))
  )

  it.effect("takes a roster of many pages when the last of them is there, in whatever order", () =>
    Effect.gen(function* () {
      const { observed, relay } = yield* joined()
      const entries = Array.from({ length: 60 }, (_, number) => lin(number).entry)
      const pages = RosterPages.paginate(7, entries)
      assert.isAbove(pages.length, 2)
      for (const [index, page] of pages.toReversed().entries()) {
        assert.deepStrictEqual(observed.roster, [])
        yield* relay.direct({ _tag: "RosterDirective", counter: index + 1, ...page })
        yield* settle
      }
      assert.deepStrictEqual(
        observed.roster,
        entries.map(({ participant, streams }) => ({ _tag: "Joined" as const, participant, streams }))
      )
      assert.strictEqual(relay.acknowledged.length, pages.length)
    }).pipe(run(21))
  )

  it.effect("answers a directive again and again, and obeys it once", () =>
    Effect.gen(function* () {
      const { observed, relay } = yield* joined()
      const transactionId = new Uint8Array(12).fill(3)
      const directive = rosterOf(1, [lin(1).entry], 5)
      for (let i = 0; i < 3; i++) yield* relay.direct(directive, { transactionId })
      yield* settle
      // Captured, and sent again after the call has gone on.
      yield* relay.direct(rosterOf(2, [], 6))
      yield* relay.direct(directive, { transactionId })
      yield* settle
      assert.deepStrictEqual(relay.acknowledged, [5, 5, 5, 6, 5])
      assert.deepStrictEqual(observed.roster, [
        { _tag: "Joined", ...lin(1).entry },
        { _tag: "Left", participant: lin(1).participant }
      ])
    }).pipe(run(22))
  )

  it.effect("is not impressed by directives that the relay has not signed", () =>
    Effect.gen(function* () {
      const { client, observed, relay } = yield* joined()
      const { address, legTag } = relay.hop!.send
      const directive = { ...rosterOf(1, [lin(1).entry]), transactionId: new Uint8Array(12), legTag }
      const forged = MessageIntegrity.sign(ControlMessage.encode(directive), new Uint8Array(32))
      yield* relay.sendBytes(forged, PackedAddress.format(address))
      yield* settle
      assert.deepStrictEqual(observed.roster, [])
      assert.deepStrictEqual(relay.acknowledged, [])
      const { dropped } = yield* client.statistics
      assert.strictEqual(dropped.unauthenticated, 1)
    }).pipe(run(23))
  )

  it.effect("neither takes nor answers a directive of an earlier session under the same token", () =>
    Effect.gen(function* () {
      const relay = yield* FakeRelay.make(relayA)
      const join = during(5 * linkMs, CallClient.join(optionsOf([relayA])))
      const earlier = yield* Effect.scoped(Effect.map(join, () => relay.hop!.send.legTag))
      const client = yield* join
      const observed = yield* observe(client)
      // A new session has seen neither versions nor counters yet: but for the tag it would take both.
      yield* relay.direct(rosterOf(9, [lin(1).entry]), { legTag: earlier })
      yield* relay.direct({ _tag: "GoingAwayDirective", counter: 8, inMs: 500, relays: [] }, { legTag: earlier })
      yield* settle
      assert.deepStrictEqual(observed.roster, [])
      assert.deepStrictEqual(
        observed.connection.map(({ _tag }) => _tag),
        ["Connected"]
      )
      assert.deepStrictEqual(relay.acknowledged, [])
      const { dropped } = yield* client.statistics
      assert.strictEqual(dropped.unknownLegTag, 2)
      yield* relay.direct(rosterOf(1, [lin(2).entry]))
      yield* settle
      assert.deepStrictEqual(observed.roster, [{ _tag: "Joined", ...lin(2).entry }])
      assert.deepStrictEqual(relay.acknowledged, [1])
    }).pipe(run(24))
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as RelayPeers from "../../src/pipeline/RelayPeers.ts"
import { CallId } from "../../src/protocol/Ids.ts"

const peer = (id: string, change: Partial<RelayPeers.PeerRelay> = {}): RelayPeers.PeerRelay => ({
  id,
  address: `203.0.113.1:${id}`,
  isDraining: false,
  participants: 0,
  seenAtMs: 0,
  ...change
})

const call = CallId.make("call")
const self = { address: "203.0.113.1:3478", participants: 20 }

const placed = (others: ReadonlyArray<RelayPeers.PeerRelay>, times = 1) =>
  Effect.map(RelayPeers.RelayPeers, ({ placeElsewhere }) =>
    Array.from({ length: times }, () => placeElsewhere(call, self))
  ).pipe(Effect.provide(RelayPeers.layerLive(() => others)))

describe("RelayPeers", () => {
  it.effect("places participants at a relay of the same address alone, and at none that drains", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* placed([peer("3479")]), ["203.0.113.1:3479"])
      assert.deepStrictEqual(yield* placed([peer("3479", { address: "203.0.113.2:3478" })]), [undefined])
      assert.deepStrictEqual(yield* placed([peer("3479", { address: "203.0.113.10:3478" })]), [undefined])
      assert.deepStrictEqual(yield* placed([peer("3479", { isDraining: true })]), [undefined])
      assert.deepStrictEqual(yield* placed([]), [undefined])
    })
  )

  it.effect("counts those it has sent, until the relay says how many it has", () =>
    Effect.gen(function* () {
      const others = [peer("3479")]
      const { placeElsewhere } = yield* RelayPeers.RelayPeers.pipe(Effect.provide(RelayPeers.layerLive(() => others)))
      const crowd = Array.from({ length: 30 }, () => placeElsewhere(call, self))
      assert.strictEqual(crowd.filter((address) => address !== undefined).length, 13)
      others[0] = peer("3479", { participants: 12, seenAtMs: 1000 })
      assert.isDefined(placeElsewhere(call, self))
      assert.isUndefined(placeElsewhere(call, self))
    })
  )

  it.effect("relays of the configuration say nothing of what they have to do", () =>
    Effect.gen(function* () {
      const peers = yield* RelayPeers.RelayPeers
      assert.deepStrictEqual(peers.backups(call), ["203.0.113.1:3479"])
      assert.isUndefined(peers.placeElsewhere(call, self))
    }).pipe(Effect.provide(RelayPeers.layerFixed(["203.0.113.1:3479"])))
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CallClientPromise from "../../src/client/CallClientPromise.ts"
import { JoinRefused } from "../../src/client/JoinFailure.ts"
import * as DatagramNetworkPortable from "../../src/sockets/DatagramNetworkPortable.ts"
import * as FakeRelay from "./FakeRelay.ts"
import { audioPacket, lin, optionsOf, rosterOf } from "./Scene.ts"

/** Promises have a clock of their own: this runs on real sockets and in real time, some tens of milliseconds of it. */
const onLoopback = Effect.fnUntraced(function* () {
  const relay = yield* FakeRelay.make("127.0.0.1", FakeRelay.token, 0)
  return { relay, options: { ...optionsOf([]), relays: [relay.address], host: "127.0.0.1", port: 0 } }
}, Effect.provide(DatagramNetworkPortable.layer))

describe("CallClientPromise", () => {
  it.live("joins, sends, receives and closes without Effect", () =>
    Effect.gen(function* () {
      const { options, relay } = yield* onLoopback()
      const client = yield* Effect.promise(() => CallClientPromise.join(options))
      const other = lin(1)
      yield* relay.direct(rosterOf(1, [other.entry]))
      const packets = client.packets[Symbol.asyncIterator]()
      const roster = client.roster[Symbol.asyncIterator]()
      const joined = yield* Effect.promise(() => roster.next())
      assert.deepStrictEqual(joined.value, { _tag: "Joined", ...other.entry })
      yield* Effect.promise(() => client.send(client.streams[0]!, audioPacket(0), audioPacket(1)))
      yield* relay.sendMedia(other.audio, audioPacket(7))
      const received = yield* Effect.promise(() => packets.next())
      assert.deepStrictEqual(received.value?.payload, audioPacket(7).payload)
      const { sent } = yield* Effect.promise(client.statistics)
      assert.strictEqual(sent[0]!.packets, 2)
      yield* Effect.promise(client.close)
      assert.isTrue((yield* Effect.promise(() => packets.next())).done)
      assert.isUndefined(relay.hop)
      assert.strictEqual(relay.packets.length, 2)
    })
  )

  it.live("rejects with the error that says what to do", () =>
    Effect.gen(function* () {
      const { options, relay } = yield* onLoopback()
      relay.behaviour.instead = ({ transactionId }) => ({
        _tag: "Refused",
        method: "Join",
        transactionId,
        error: { code: 486, reason: "" },
        relays: []
      })
      const rejected = yield* Effect.flip(
        Effect.tryPromise({ try: () => CallClientPromise.join(options), catch: (error) => error })
      )
      assert.instanceOf(rejected, JoinRefused)
    })
  )
})

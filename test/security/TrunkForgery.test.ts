import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as MessageIntegrity from "../../src/access/MessageIntegrity.ts"
import * as ControlMessage from "../../src/protocol/ControlMessage.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId, RelayId } from "../../src/protocol/Ids.ts"
import * as Fleet from "../server/FleetScene.ts"
import * as Raw from "../server/RawDevice.ts"

const key = KeyRing.newest(Raw.keyRing)
const foreign = KeyRing.newest(KeyRing.make({ keys: [{ id: key.id, secret: new Uint8Array(32).fill(8) }] }))

const trunkRequest = (relay: string, target: string): ControlMessage.TrunkRequest => ({
  _tag: "TrunkRequest",
  transactionId: Raw.transactionId(),
  keyId: key.id,
  relay: RelayId.make(relay),
  target: RelayId.make(target),
  incarnation: 1,
  nonce: new Uint8Array(16).fill(1),
  legTag: 4711
})

const sign = (message: ControlMessage.ControlMessage, trunkKey = key.trunkKey) =>
  MessageIntegrity.sign(ControlMessage.encode(message), trunkKey)

const stranger = "10.0.1.5:6000"
const tagsOf = (datagrams: ReadonlyArray<Uint8Array>) => Raw.messagesIn(datagrams).map(({ _tag }) => _tag)

describe("trunk forgery", () => {
  it.effect("who has no key of the fleet is not answered, nor who asks for another relay", () =>
    Fleet.scene(
      1,
      Effect.gen(function* () {
        yield* Fleet.startRelay("a")
        const port = yield* Raw.openTo(Fleet.relayAddress("a"), stranger)
        for (const bytes of [
          sign(trunkRequest("x", "a"), foreign.trunkKey),
          sign(trunkRequest("x", "b")),
          sign(trunkRequest("a", "a"))
        ]) {
          assert.deepStrictEqual(yield* port.answersTo(bytes), [])
        }
      })
    )
  )

  it.effect("a captured request makes a relay answer and ask back once, and believe nothing", () =>
    Fleet.scene(
      2,
      Effect.gen(function* () {
        yield* Fleet.startRelay("a")
        const port = yield* Raw.openTo(Fleet.relayAddress("a"), stranger)
        const captured = sign(trunkRequest("x", "a"))
        const answers = yield* port.answersTo(captured)
        assert.sameMembers(tagsOf(answers), ["TrunkSuccess", "TrunkRequest"])
        for (const answer of answers) assert.isAtMost(answer.length, captured.length)
        const { legTag } = Raw.only(answers, "TrunkSuccess")
        yield* Effect.sleep("3 seconds")
        assert.deepStrictEqual(port.received, [], "and nothing after that")
        // Nor is a frame taken with the tag that it has learned.
        const frame = new Uint8Array(HopFrame.trunkHeaderBytes + 20)
        HopFrame.writeHeader(
          new DataView(frame.buffer),
          0,
          HopFrame.typeByte(HopFrame.FrameType.Padding, 0),
          0,
          1,
          1,
          0,
          legTag
        )
        assert.deepStrictEqual(yield* port.answersTo(frame), [])
      })
    )
  )

  it.effect("a captured request from elsewhere leaves an open trunk as it is, and a forged relocation a call", () =>
    Fleet.scene(
      3,
      Effect.gen(function* () {
        for (const relay of ["a", "b"] as const) yield* Fleet.startRelay(relay)
        const members = [yield* Fleet.member(1, ["a"]), yield* Fleet.member(2, ["b"])]
        yield* Effect.sleep("1 second")
        const port = yield* Raw.openTo(Fleet.relayAddress("a"), stranger)
        const relocate: ControlMessage.RelocateRequest = {
          _tag: "RelocateRequest",
          transactionId: Raw.transactionId(),
          keyId: key.id,
          relay: RelayId.make("b"),
          call: CallId.make("call"),
          participant: ParticipantId.make("p2"),
          epoch: 2 ** 31 + 1,
          restores: 0,
          legTag: 4711
        }
        assert.deepStrictEqual(yield* port.answersTo(sign(relocate, foreign.trunkKey)), [])
        // It proves that it has been a relay's, and not whose it is now.
        yield* port.answersTo(sign({ ...trunkRequest("b", "a"), incarnation: 99 }))
        yield* Fleet.talk(members, 1)
        yield* Effect.sleep("1 second")
        const all = Array.from({ length: 50 }, (_, tick) => tick)
        assert.deepStrictEqual(Fleet.heard(members[0]!, members[1]!), all)
        assert.deepStrictEqual(Fleet.heard(members[1]!, members[0]!), all)
      })
    )
  )
})

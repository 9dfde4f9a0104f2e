import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Duet from "./Duet.ts"
import * as RelayLife from "./RelayLife.ts"
import * as Specimens from "./Specimens.ts"

/**
 * RTP bleed: servers that learn where a participant is from the media that comes in send the call to whoever sends media
 * first (Asterisk AST-2017-005), or, after the first fix, to whoever sends with the right SSRC (AST-2017-008). rtpengine
 * learns at once, after a delay, or from what looks most like the announced address. Here nothing is learned from media.
 */

const inWorld = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.andThen(TestClock.adjust("1 second"), test).pipe(
    RelayLife.during,
    Effect.provide(RelayLife.world),
    Effect.scoped,
    Raw.passing,
    Raw.inThePresent
  )

/** Everything that could be taken for ada's media: plain, and as frames, with numbers that continue hers. */
const spray = Effect.fnUntraced(function* (
  from: Duet.Device,
  ada: { readonly legTag: number; readonly epoch: number; readonly ssrc: number },
  firstNumber: number
) {
  for (let n = firstNumber; n < firstNumber + 20; n++) {
    const frame = Specimens.hopFrame(HopFrame.FrameType.Audio, ada, n)
    const rtp = frame.slice(HopFrame.headerBytes)
    const control = [HopFrame.FrameType.Feedback, HopFrame.FrameType.Padding].map((type) =>
      Specimens.hopFrame(type, ada, n)
    )
    for (const bytes of [frame, rtp, Specimens.receiverReport(ada.ssrc), ...control]) yield* from.sendBytes(bytes)
  }
  yield* TestClock.adjust("50 millis")
})

/** A call, and the attacker at another host, at another port of ada's host, and at the address that she had before. */
const scene = Effect.gen(function* () {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const devices = { ada: yield* Raw.open(Duet.addresses.ada), lin: yield* Raw.open(Duet.addresses.lin) }
  const elsewhere = [yield* Raw.open(Duet.eveAddress), yield* Raw.open("10.0.0.2:5002")]
  const { place: lin } = yield* Duet.join(devices.lin, { name: "lin", ssrc: 2, deviceTag: 12 })
  const { place: ada } = yield* Duet.join(devices.ada, { name: "ada", ssrc: 1, deviceTag: 11 })
  yield* Duet.passSeconds(20, ada, lin)
  const isUnharmed = Effect.gen(function* () {
    for (const { received } of elsewhere) assert.deepStrictEqual(received, [], "nothing is ever sent there")
    yield* Duet.isUnharmed(ada, lin, elsewhere)
  })
  return { network, ada, lin, elsewhere, isUnharmed }
})

describe("RTP bleed", () => {
  it.effect("AST-2017-005: media from elsewhere before, between and after the participant's own moves nothing", () =>
    inWorld(
      Effect.gen(function* () {
        const eve = yield* Raw.open("10.6.6.7:667")
        yield* spray(eve, { legTag: 11, epoch: 1, ssrc: 1 }, 0)
        const { ada, elsewhere, isUnharmed, lin } = yield* scene
        for (let round = 0; round < 5; round++) {
          for (const device of elsewhere) {
            lin.device.received.length = 0
            yield* spray(device, ada, ada.sequence)
            assert.deepStrictEqual(Duet.mediaAt(lin), [], "none of it reaches the peer")
          }
          yield* isUnharmed
        }
        assert.deepStrictEqual(eve.received, [])
      })
    )
  )

  it.effect("AST-2017-008: the right SSRC, numbers and leg tag from another address do not either", () =>
    inWorld(
      Effect.gen(function* () {
        const { ada, elsewhere, isUnharmed, lin } = yield* scene
        for (const ahead of [0, 1, 900, 30_000]) {
          for (const device of elsewhere) yield* spray(device, ada, (ada.sequence + ahead) & 0xffff)
        }
        assert.deepStrictEqual(lin.device.received, [])
        yield* isUnharmed
      })
    )
  )

  it.effect("delayed learning: nor when the participant has been silent for a while", () =>
    inWorld(
      Effect.gen(function* () {
        const { ada, elsewhere, isUnharmed, lin } = yield* scene
        for (let round = 0; round < 4; round++) {
          for (const device of elsewhere) yield* spray(device, ada, ada.sequence)
          assert.deepStrictEqual(lin.device.received, [])
          yield* Duet.passSeconds(10, ada, lin)
        }
        yield* isUnharmed
      })
    )
  )

  it.effect("heuristic learning: nor from the participant's own host, or from the address that it had", () =>
    inWorld(
      Effect.gen(function* () {
        const { ada, isUnharmed, lin, network } = yield* scene
        yield* network.rebind(Duet.addresses.ada, "10.0.0.2:5004")
        const { cookie } = Raw.only(yield* ada.device.answersTo(Duet.ping(ada)), "Challenge")
        Raw.only(yield* ada.device.answersTo(Duet.ping(ada, cookie)), "PingSuccess")
        const former = yield* Raw.open(Duet.addresses.ada)
        yield* spray(former, ada, ada.sequence)
        assert.deepStrictEqual([former.received, Duet.mediaAt(lin)], [[], []])
        yield* isUnharmed
      })
    )
  )

  it.effect("a wrong leg tag from the right address: not forwarded, and nothing is sent back", () =>
    inWorld(
      Effect.gen(function* () {
        const { ada, isUnharmed, lin } = yield* scene
        for (const legTag of [0, 1, 11, 12, ada.legTag + 1, ~ada.legTag >>> 0, lin.legTag, 0xffffffff]) {
          yield* spray(ada.device, { ...ada, legTag }, ada.sequence)
        }
        assert.deepStrictEqual([ada.device.received, lin.device.received], [[], []])
        yield* isUnharmed
      })
    )
  )

  it.effect("plain RTP and RTCP are never accepted, also from the right address", () =>
    inWorld(
      Effect.gen(function* () {
        const { ada, isUnharmed, lin } = yield* scene
        for (let n = 0; n < 20; n++) {
          const frame = Specimens.hopFrame(HopFrame.FrameType.Audio, ada, n)
          yield* ada.device.sendBytes(frame.slice(HopFrame.headerBytes))
          yield* ada.device.sendBytes(Specimens.receiverReport(ada.ssrc))
        }
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([ada.device.received, lin.device.received], [[], []])
        yield* isUnharmed
      })
    )
  )

  it.effect("another participant's SSRC on one's own leg: not forwarded, whoever declares it later", () =>
    inWorld(
      Effect.gen(function* () {
        const { ada, isUnharmed, lin } = yield* scene
        yield* spray(ada.device, { ...ada, ssrc: lin.ssrc }, 500)
        yield* spray(ada.device, { ...ada, ssrc: 4711 }, 500)
        assert.deepStrictEqual(Duet.mediaAt(lin), [])
        yield* isUnharmed
      })
    )
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import { scene } from "./RelayScene.ts"
import { packetOf } from "./RtpPackets.ts"
import { audio, audioOf, join, optionsOf } from "./RtpScene.ts"
import { audioPacket, observe, sharedSecret } from "./Scene.ts"

describe("whole packets with a shared secret", { timeout: 30_000 }, () => {
  it.effect("are encrypted behind their header, and read by a CallClient", () =>
    scene(
      99,
      Effect.gen(function* () {
        const ada = yield* join("ada", { sharedSecret })
        const lin = yield* CallClient.join({ ...(yield* optionsOf("lin")), sharedSecret })
        const observed = yield* observe(lin)
        yield* Effect.sleep(200)
        yield* ada.client.send([
          { bytes: audioOf(1) },
          { bytes: audioOf(2, 4) },
          {
            bytes: packetOf({
              ssrc: audio.ssrc,
              sequenceNumber: 65_503,
              timestamp: 0xffff_0b40,
              extension: new Uint8Array(4)
            })
          }
        ])
        yield* Effect.sleep(500)
        assert.deepStrictEqual(
          observed.packets.map(({ payload, sequenceNumber }) => [sequenceNumber, Array.from(payload)]),
          [
            [65_501, [1, 0]],
            [65_502, [2, 0]],
            [65_503, [1, 2, 3]]
          ]
        )
      })
    )
  )

  it.effect("come out plain, without the padding, and not at all with another secret", () =>
    scene(
      100,
      Effect.gen(function* () {
        const ada = yield* join("ada", { sharedSecret })
        const lin = yield* join("lin", { sharedSecret })
        yield* Effect.sleep(200)
        const extension = new Uint8Array(4).fill(3)
        const shape = { ssrc: audio.ssrc, sequenceNumber: 1, timestamp: 0, extension, contributingSources: [4] }
        yield* ada.client.send([{ bytes: packetOf({ ...shape, paddingBytes: 4 }) }])
        yield* Effect.sleep(100)
        assert.deepStrictEqual(
          lin.packets.map(({ bytes }) => bytes),
          [packetOf(shape)]
        )
        // Not a packet: padding longer than its payload.
        const broken = packetOf({ ...shape, sequenceNumber: 2, paddingBytes: 4 })
        broken[broken.length - 1] = 200
        yield* ada.client.send([{ bytes: broken }])
        assert.strictEqual((yield* ada.client.statistics).dropped.malformed, 1)
        const stranger = yield* join("lin", { sharedSecret: new Uint8Array(32).fill(1), port: 5001 })
        yield* Effect.sleep(200)
        yield* ada.client.send([{ bytes: packetOf({ ...shape, sequenceNumber: 3 }) }])
        yield* Effect.sleep(100)
        assert.deepStrictEqual(stranger.packets, [])
        const { received } = yield* stranger.client.statistics
        assert.strictEqual(received.find(({ ssrc }) => ssrc === audio.ssrc)?.packetsUndecryptable, 1)
      })
    )
  )

  it.effect("reach a bridge from a CallClient", () =>
    scene(
      101,
      Effect.gen(function* () {
        const ada = yield* CallClient.join({ ...(yield* optionsOf("ada")), sharedSecret })
        const lin = yield* join("lin", { sharedSecret })
        yield* Effect.sleep(200)
        yield* ada.send(ada.streams[1]!, audioPacket(5))
        yield* Effect.sleep(100)
        const [packet] = lin.packets
        assert.deepStrictEqual(packet!.bytes.slice(RtpHeader.fixedHeaderBytes), audioPacket(5).payload)
        assert.strictEqual(packet!.descriptor, audioPacket(5).descriptor)
      })
    )
  )
})

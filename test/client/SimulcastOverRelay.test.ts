import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as CallClient from "../../src/client/CallClient.ts"
import type { ReceivedPacket } from "../../src/client/streams/ReceivedPacket.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as Raw from "../server/RawDevice.ts"
import { hosts, type Name, scene, setLinks } from "./RelayScene.ts"
import { observe, opus, sharedSecret, vp8 } from "./Scene.ts"

const { startOfFrameFlag: start, endOfFrameFlag: end, independentFlag: key } = HopFrame
const [relayHost] = Raw.relayAddress.split(":") as [string]

/** About 0.1 and 0.9 Mbit/s at 25 frames a second. */
const layers = [
  { packets: 1, bytes: 450, maxKbps: 150 },
  { packets: 4, bytes: 1050, maxKbps: 1000 }
] as const
const simulcast = layers.map(({ maxKbps }, layer) => ({
  ...vp8,
  simulcast: { source: 0, layer, heightPixels: 180 << layer, maxKbps }
}))

const join = Effect.fnUntraced(function* (participant: Name) {
  const client = yield* CallClient.join({
    relays: [Raw.relayAddress],
    token: yield* Raw.mint(participant),
    streams: [opus, ...simulcast],
    sharedSecret,
    host: hosts[participant],
    port: 5000
  })
  return { client, observed: yield* observe(client) }
})

/** Sends all layers, each with a key frame when somebody asks for one. The first byte of a payload is its layer. */
const film = Effect.fnUntraced(function* (client: CallClient.CallClient) {
  const videos = client.streams.slice(1)
  const asked = new Set(videos.map(({ ssrc }) => ssrc))
  yield* client.keyFrameRequests.pipe(
    Stream.runForEach((ssrc) => Effect.sync(() => asked.add(ssrc))),
    Effect.forkScoped({ startImmediately: true })
  )
  let frame = 0
  return Effect.fnUntraced(function* (frames: number) {
    for (const last = frame + frames; frame < last; frame++) {
      for (const [layer, video] of videos.entries()) {
        const { bytes, packets } = layers[layer]!
        const flags = asked.delete(video.ssrc) ? key : 0
        yield* client.sendAll(
          video,
          Array.from({ length: packets }, (_, part) => ({
            payload: new Uint8Array(bytes).fill(layer),
            timestamp: frame * 3600,
            marker: part === packets - 1,
            descriptor: flags | (part === 0 ? start : 0) | (part === packets - 1 ? end : 0)
          }))
        )
      }
      yield* Effect.sleep(40)
    }
  })
})

describe("simulcast over the relay", () => {
  it.effect("a receiver is shown one stream, of the layer that his path carries", () =>
    scene(
      91,
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const ada = yield* join("ada")
        const lin = yield* join("lin")
        yield* setLinks({ jitterMs: 3, lossRatio: 0.01 })
        yield* Effect.sleep(200)
        const send = yield* film(ada.client)
        const shown = () => lin.observed.packets.splice(0)
        const layersOf = (packets: ReturnType<typeof shown>) => [...new Set(packets.map(({ payload }) => payload[0]))]
        const all: Array<ReceivedPacket> = []
        yield* send(125)
        all.push(...shown())
        yield* send(25)
        const wide = shown()
        const narrow = { ...LinkEmulator.perfect, latencyMs: 10, rateBps: 400_000, queueBytes: 20_000 }
        yield* network.setLink(relayHost, hosts.lin, narrow)
        yield* send(75)
        const squeezed = shown()
        yield* send(50)
        const low = shown()
        yield* setLinks({})
        yield* send(125)
        const again = shown()
        yield* send(25)
        const last = shown()
        assert.deepStrictEqual([wide, low, last].map(layersOf), [[1], [0], [1]])
        all.push(...wide, ...squeezed, ...low, ...again, ...last)
        const [lowest] = ada.client.streams.slice(1)
        for (const [index, packet] of all.entries()) {
          const before = all[index - 1]
          assert.strictEqual(packet.ssrc, lowest!.ssrc)
          if (before === undefined) continue
          const isStart = (packet.descriptor & start) !== 0
          const ahead = (packet.sequenceNumber - before.sequenceNumber) & 0xffff
          assert.strictEqual(ahead, packet.missedBefore + 1)
          assert.strictEqual(isStart, (before.descriptor & end) !== 0)
          if (isStart) assert.isAbove(packet.timestamp, before.timestamp)
          else assert.strictEqual(packet.timestamp, before.timestamp)
          if (packet.payload[0] !== before.payload[0]) assert.isTrue(HopFrame.startsKeyFrame(packet.descriptor))
        }
        const switches = all.filter(({ payload }, at) => at > 0 && payload[0] !== all[at - 1]!.payload[0]).length
        assert.isAtMost(switches, 4)
        assert.isAtMost(ada.observed.keyFrameRequests.length, 10)
      })
    )
  )
})

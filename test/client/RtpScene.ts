import { Effect, Stream } from "effect"
import * as RtpClient from "../../src/client/RtpClient.ts"
import * as Raw from "../server/RawDevice.ts"
import { hosts, type Name } from "./RelayScene.ts"
import { packetOf } from "./RtpPackets.ts"
import { opus, vp8 } from "./Scene.ts"

/** Clients of whole packets: ada, who sends, and lin. */

export const video = { ...vp8, ssrc: 11_111 }
export const audio = { ...opus, ssrc: 22_222 }

export const optionsOf = Effect.fnUntraced(function* (participant: Name) {
  return {
    relays: [Raw.relayAddress],
    token: yield* Raw.mint(participant),
    streams: participant === "ada" ? [video, audio] : [],
    sharedSecret: undefined,
    host: hosts[participant],
    port: 5000
  }
})

interface Changes {
  readonly sharedSecret?: Uint8Array
  readonly port?: number
}

export const join = Effect.fnUntraced(function* (participant: Name, options: Changes = {}) {
  const client = yield* RtpClient.join({ ...(yield* optionsOf(participant)), ...options })
  const packets: Array<RtpClient.ReceivedRtp> = []
  const rtcp: Array<RtpClient.ReceivedRtcp> = []
  const keyFrameRequests: Array<number> = []
  const collect = <A>(stream: Stream.Stream<A>, into: Array<A>) =>
    Effect.forkScoped(Stream.runForEach(stream, (item) => Effect.sync(() => into.push(item))))
  yield* collect(client.packets, packets)
  yield* collect(client.rtcp, rtcp)
  yield* collect(client.keyFrameRequests, keyFrameRequests)
  return { client, packets, rtcp, keyFrameRequests }
})

export const both = Effect.gen(function* () {
  const ada = yield* join("ada")
  const lin = yield* join("lin")
  yield* Effect.sleep(200)
  return { ada, lin }
})

/** Audio packet `number`, 20 ms each, with numbers that wrap on the way. */
export const audioOf = (number: number, paddingBytes = 0) =>
  packetOf({
    ssrc: audio.ssrc,
    payloadType: 111,
    sequenceNumber: (65_500 + number) & 0xffff,
    timestamp: (0xffff_0000 + number * 960) >>> 0,
    payload: Uint8Array.of(number, number >> 8),
    paddingBytes
  })

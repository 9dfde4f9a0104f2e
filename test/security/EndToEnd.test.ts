import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Result, Stream } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as CallClient from "../../src/client/CallClient.ts"
import * as CallToken from "../../src/access/CallToken.ts"
import * as KeyRing from "../../src/access/KeyRing.ts"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import { CallId, ParticipantId } from "../../src/protocol/Ids.ts"
import * as RtpHeader from "../../src/protocol/RtpHeader.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as DatagramNetworkPortable from "../../src/sockets/DatagramNetworkPortable.ts"
import * as LinkEmulator from "../../src/sockets/simulated/LinkEmulator.ts"
import * as SimulatedNetwork from "../../src/sockets/simulated/SimulatedNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as Processes from "../cli/Processes.ts"
import * as Tools from "../interop/Tools.ts"
import * as Raw from "../server/RawDevice.ts"
import * as ProcessMemory from "./ProcessMemory.ts"
import * as WatchedNetwork from "./WatchedNetwork.ts"

const offer = { kind: "audio", codec: "opus", clockRate: 48_000, payloadType: 111 } as const
const timeoutMs = 60_000

const isMedia = (bytes: Uint8Array, offset: number, length: number): boolean =>
  length > HopFrame.headerBytes &&
  bytes[offset]! >= HopFrame.firstByteMin &&
  HopFrame.isMedia(HopFrame.typeAt(bytes, offset))

describe("end-to-end encryption, against a relay that lies", () => {
  it.effect(
    "a bit that the relay changes, of RTP header, descriptor or payload, makes the receiver refuse the packet",
    () => {
      const payload = Uint8Array.of(1, 2, 3, 4)
      /** Of each packet another: every one of the header, of the descriptor behind it, and some of what is encrypted. */
      const headerBits = RtpHeader.fixedHeaderBytes * 8
      const clearBits = headerBits + 8
      const bits = clearBits + 100
      let number = 0
      let changed = 0
      const flip = (bytes: Uint8Array, offset: number, length: number) => {
        if (!isMedia(bytes, offset, length)) return
        const isSpared = number % 2 === 1
        const bit = number++ >> 1
        if (isSpared || bit >= bits) return
        changed++
        const rtp = offset + HopFrame.headerBytes
        if (bit < headerBits) bytes[rtp + (bit >> 3)]! ^= 1 << (bit & 7)
        else if (bit < clearBits) bytes[offset + 1]! ^= 1 << (bit - headerBits)
        else bytes[rtp + RtpHeader.fixedHeaderBytes + ((bit - clearBits) >> 3)]! ^= 1 << (bit & 7)
      }
      const relay = Relay.layerWith({
        keyRing: Raw.keyRing,
        host: "10.0.0.1",
        port: 3478,
        // Asks for nothing: who wants a spoiled packet again would get it spoiled otherwise.
        repair: false
      }).pipe(
        Layer.provide([Throttle.layerOpen, SingleRunner.layer, CallStore.layerMemory]),
        Layer.provide(WatchedNetwork.layer({ received: flip })),
        Layer.provideMerge(SimulatedNetwork.layer({ ...LinkEmulator.perfect, latencyMs: 10 }))
      )
      return Effect.gen(function* () {
        const join = Effect.fnUntraced(function* (name: string, host: string) {
          const token = yield* Raw.mint(name)
          const sharedSecret = new Uint8Array(32).fill(5)
          const options = { relays: [Raw.relayAddress], token, streams: [offer], sharedSecret, host, repair: false }
          return yield* CallClient.join(options)
        })
        const [ada, lin] = [yield* join("ada", "10.0.0.2"), yield* join("lin", "10.0.0.3")]
        const heard: Array<number> = []
        yield* Effect.forkScoped(
          Stream.runForEach(lin.packets, (packet) =>
            Effect.sync(() => {
              assert.deepStrictEqual(packet.payload, payload)
              heard.push(packet.timestamp / 960)
            })
          )
        )
        yield* Effect.sleep("1 second")
        for (let n = 0; n < 2 * bits; n++) {
          yield* ada.send(ada.streams[0]!, { payload, timestamp: n * 960, marker: false, descriptor: 0x85 })
          yield* Effect.sleep("20 millis")
        }
        yield* Effect.sleep("2 seconds")
        assert.strictEqual(changed, bits)
        assert.deepStrictEqual(
          heard,
          Array.from({ length: bits }, (_, n) => 2 * n + 1),
          "those that were left alone, and no others"
        )
      }).pipe(Effect.provide(relay), Effect.scoped, Raw.passing, Raw.inThePresent)
    },
    timeoutMs
  )
})

/** Sends the plaintext many times over a relay that is another process, and returns what ada's device has sent. */
const callOver = Effect.fnUntraced(function* (options: {
  readonly address: string
  readonly keyRing: KeyRing.KeyRing
  readonly call: string
  readonly plaintext: Uint8Array
  readonly sharedSecret: Uint8Array | undefined
}) {
  const sent: Array<Uint8Array> = []
  const network = WatchedNetwork.layer({
    sent: (bytes) => void (isMedia(bytes, 0, bytes.length) && sent.push(bytes))
  }).pipe(Layer.provide(DatagramNetworkPortable.layer))
  yield* Effect.gen(function* () {
    const join = Effect.fnUntraced(function* (name: string) {
      const token = CallToken.mint(options.keyRing, {
        callClass: "group-audio",
        call: CallId.make(options.call),
        participant: ParticipantId.make(name),
        expiresAtSeconds: Math.floor((yield* Clock.currentTimeMillis) / 1000) + 300
      })
      const { address, sharedSecret } = options
      return yield* CallClient.join({ relays: [address], token, streams: [offer], sharedSecret, host: "127.0.0.1" })
    })
    const [ada, lin] = [yield* join("ada"), yield* join("lin")]
    for (let n = 0; n < 50; n++) {
      yield* ada.send(ada.streams[0]!, {
        payload: options.plaintext,
        timestamp: n * 960,
        marker: false,
        descriptor: 0x7f
      })
      yield* Effect.sleep("5 millis")
    }
    const heard = yield* lin.packets.pipe(Stream.take(1), Stream.runCollect, Effect.timeout("30 seconds"))
    assert.deepStrictEqual(heard[0]!.payload, options.plaintext)
  }).pipe(Effect.scoped, Effect.provide(network))
  return sent
})

describe("end-to-end encryption, against whoever reads a relay's memory", () => {
  it(
    "the plaintext of a call is nowhere in it, nor its secret; the ciphertext is, and what was not encrypted",
    async (context) => {
      if (process.platform !== "linux") Tools.skip(context, "the memory of a process is read from Linux's /proc")
      const folder = Processes.temporaryFolder()
      const relay = await Processes.startRelay(folder)
      context.onTestFinished(async () => {
        await relay.stop()
        Fs.rmSync(folder, { recursive: true })
      })
      const sharedSecret = new Uint8Array(Crypto.randomBytes(32))
      const [hidden, open] = [new Uint8Array(Crypto.randomBytes(64)), new Uint8Array(Crypto.randomBytes(64))]
      const { address } = relay
      const keyFile = Fs.readFileSync(Path.join(folder, ".tandem/development-keys.json"), "utf8")
      const keyRing = Result.getOrThrow(KeyRing.parse(keyFile))
      const sent = await Effect.runPromise(
        callOver({ address, keyRing, call: "hidden", plaintext: hidden, sharedSecret })
      )
      await Effect.runPromise(callOver({ address, keyRing, call: "open", plaintext: open, sharedSecret: undefined }))
      const ciphertext = sent.at(-1)!.slice(-64)
      let counts: ReadonlyArray<number>
      try {
        counts = ProcessMemory.occurrences(relay.pid, [hidden, sharedSecret, ciphertext, open])
      } catch (error) {
        return Tools.skip(context, `the memory of a child process may not be read here: ${String(error)}`)
      }
      const [hiddenFound, secretFound, ciphertextFound, openFound] = counts
      assert.isAbove(ciphertextFound!, 0, "the search finds what is there")
      assert.isAbove(openFound!, 0, "and a plaintext, where nobody has encrypted it")
      assert.strictEqual(hiddenFound, 0)
      assert.strictEqual(secretFound, 0)
    },
    timeoutMs
  )
})

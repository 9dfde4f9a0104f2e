import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, type Scope, Stream } from "effect"
import * as SingleRunner from "../../src/cluster/SingleRunner.ts"
import * as CallClient from "../../src/client/CallClient.ts"
import type { RosterEvent } from "../../src/client/RosterEvent.ts"
import type { ReceivedPacket } from "../../src/client/streams/ReceivedPacket.ts"
import * as Relay from "../../src/server/Relay.ts"
import * as NackGenerator from "../../src/media/NackGenerator.ts"
import type { DatagramNetwork } from "../../src/sockets/DatagramNetwork.ts"
import * as CallStore from "../../src/state/CallStore.ts"
import * as Throttle from "../../src/throttle/Throttle.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Raw from "../server/RawDevice.ts"
import * as Lossy from "./LossyNetwork.ts"

const audio = { kind: "audio", codec: "opus", clockRate: 48000, payloadType: 111 } as const
const video = { kind: "video", codec: "vp8", clockRate: 90000, payloadType: 96 } as const

/** Of a packet with its RTP header, as long as the client sends any. Bytes. */
const packetBytesMin = 12
const rtpHeaderBytes = 12
const packetBytesMax = rtpHeaderBytes + CallClient.payloadBytesMax

/** Packets of a frame; more than one message of the batched socket can hold. */
const framePacketsMax = 80
/** A millisecond each: what is lost is still young when it is asked for. Ticks of the media clocks. */
const audioTicks = 48
const videoTicks = 90
/** What all have sent must have arrived by then. Milliseconds. */
const deliveryMsMax = 8000
/** The first packet of a stream waits so long, and a gap. Milliseconds. */
const playoutDelayMs = 300
/** Where packets are lost: as long as anybody asks for them. Milliseconds. */
const lossyPlayoutDelayMs = NackGenerator.giveUpAfterMs
/** Whole frames are sent without a pause: nothing of them has to wait. Bits a second. */
const startBps = 1e9

interface Member {
  readonly client: CallClient.CallClient
  readonly name: string
  readonly heard: Array<ReceivedPacket>
  readonly seen: Array<RosterEvent>
  /** Payloads as they were given to be sent, by kind. */
  readonly said: { readonly audio: Array<string>; readonly video: Array<string> }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const join = Effect.fnUntraced(function* (name: string, playoutMs: number) {
  const { address } = yield* Relay.Relay
  const token = yield* Raw.mint(name)
  const host = address.split(":")[0]!
  const options = { relays: [address], token, streams: [audio, video], sharedSecret: undefined, host, startBps }
  const client = yield* CallClient.join({ ...options, playoutDelayMs: playoutMs })
  const heard: Array<ReceivedPacket> = []
  const seen: Array<RosterEvent> = []
  const collect = <A>(stream: Stream.Stream<A>, into: Array<A>) =>
    Effect.forkScoped(Stream.runForEach(stream, (item) => Effect.sync(() => into.push(item))))
  yield* collect(client.packets, heard)
  yield* collect(client.roster, seen)
  const member: Member = { client, name, heard, seen, said: { audio: [], video: [] } }
  return member
})

/** Waits until it holds, and fails with what is said when that takes too long. */
const eventually = Effect.fnUntraced(function* (what: () => string, holds: () => boolean) {
  const startMs = yield* Clock.currentTimeMillis
  while (!holds()) {
    if ((yield* Clock.currentTimeMillis) - startMs > deliveryMsMax) return assert.fail(`not in time: ${what()}`)
    yield* Effect.sleep(2)
  }
})

/** Joins them one after another, until everybody has seen everybody: from now on nothing is said to nobody. */
const joinAll = Effect.fnUntraced(function* (names: ReadonlyArray<string>, playoutMs = playoutDelayMs) {
  const members = yield* Effect.forEach(names, (name) => join(name, playoutMs))
  for (const { name, seen } of members) {
    yield* eventually(
      () => `${name} sees the others`,
      () => seen.length >= names.length - 1
    )
  }
  return members
})

const payloadOf = (draw: () => number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, () => Math.floor(draw() * 256))

/** The sizes of a frame's payloads: of one length but the last, as a packetizer cuts them; or of any. */
const sizesOf = (draw: () => number): ReadonlyArray<number> => {
  const between = (least: number, most: number) => least + Math.floor(draw() * (most - least + 1))
  const any = () => between(packetBytesMin, packetBytesMax) - rtpHeaderBytes
  const packets = draw() < 0.3 ? between(1, framePacketsMax) : between(1, 8)
  if (draw() < 0.2) return Array.from({ length: packets }, any)
  const each = any()
  return Array.from({ length: packets }, (_, part) => (part < packets - 1 ? each : between(0, each)))
}

/** Audio packets and video frames in any order; every now and then a moment in between. */
const speak = Effect.fnUntraced(function* (member: Member, draw: () => number, utterances: number) {
  const { client, said } = member
  const [voice, picture] = client.streams
  for (let n = 0; n < utterances; n++) {
    if (draw() < 0.5) {
      const payload = payloadOf(draw, Math.floor(draw() * 200))
      said.audio.push(text(payload))
      yield* client.send(voice!, { payload, timestamp: n * audioTicks, marker: false, descriptor: 127 })
    } else {
      const payloads = sizesOf(draw).map((bytes) => payloadOf(draw, bytes))
      said.video.push(...payloads.map(text))
      const last = payloads.length - 1
      const frame = payloads.map((payload, part) => ({
        payload,
        timestamp: n * videoTicks,
        marker: part === last,
        descriptor: 0x80
      }))
      yield* client.sendAll(picture!, frame)
    }
    yield* draw() < 0.3 ? Effect.sleep(1) : Effect.yieldNow
  }
})

/** What `listener` has heard of `speaker`, in the order in which it was handed out. */
const heardOf = (listener: Member, speaker: Member, kind: "audio" | "video"): ReadonlyArray<string> =>
  listener.heard
    .filter((packet) => packet.participant === speaker.client.participant && packet.kind === kind)
    .map(({ payload }) => text(payload))

const packetsSaid = ({ said }: Member): number => said.audio.length + said.video.length

/** Everybody has heard what all others have said: byte for byte, each packet once, in its order. */
const allIsHeard = Effect.fnUntraced(function* (members: ReadonlyArray<Member>, what: string) {
  for (const listener of members) {
    const others = members.filter((other) => other !== listener)
    const expected = others.reduce((sum, speaker) => sum + packetsSaid(speaker), 0)
    const missing = () => `${what}: ${listener.name} has heard ${listener.heard.length} packets of ${expected}`
    yield* eventually(missing, () => listener.heard.length >= expected)
    for (const speaker of others) {
      for (const kind of ["audio", "video"] as const) {
        const place = `${what}: ${kind} of ${speaker.name} at ${listener.name}`
        assert.deepStrictEqual(heardOf(listener, speaker, kind), speaker.said[kind], place)
      }
    }
  }
})

/** Asks for addresses, says nonsense, joins and leaves: control messages of all kinds between the media. */
const disturb = Effect.fnUntraced(function* (draw: () => number, utterances: number) {
  const { address } = yield* Relay.Relay
  const stranger = yield* Raw.openTo(address, `${address.split(":")[0]}:0`)
  for (let n = 0; n < utterances; n++) {
    const what = draw()
    if (what < 0.6) yield* stranger.sendBytes(Raw.binding())
    else if (what < 0.95) yield* stranger.sendBytes(payloadOf(draw, 1 + Math.floor(draw() * 300)))
    else yield* Effect.scoped(Effect.asVoid(join(`visitor-${n}`, playoutDelayMs)))
    yield* Effect.sleep(1)
  }
  return stranger.received
})

/** What a whole relay promises to whole clients over any network. `host` is an address that the network can bind. */
export const suite = (
  name: string,
  options: {
    readonly layer: Layer.Layer<DatagramNetwork, unknown>
    readonly host: string
    readonly time: "virtual" | "real"
  }
): void => {
  const relay = (losses: Lossy.Losses) =>
    Relay.layerWith({
      keyRing: Raw.keyRing,
      host: options.host,
      port: 0,
      audioRingBytes: 4 << 20,
      videoRingBytes: 16 << 20,
      startBps
    }).pipe(
      Layer.provide([Throttle.layerOpen, SingleRunner.layer, CallStore.layerMemory]),
      Layer.provideMerge(Layer.provide(Lossy.layer(losses), options.layer))
    )

  const test = (
    promise: string,
    losses: () => Lossy.Losses,
    body: (losses: Lossy.Losses) => Effect.Effect<void, unknown, Relay.Relay | DatagramNetwork | Scope.Scope>
  ) => {
    const run = Effect.suspend(() => {
      const made = losses()
      return body(made).pipe(Effect.provide(relay(made)), Effect.scoped)
    })
    if (options.time === "virtual") it.effect(promise, () => run.pipe(Raw.passing, Raw.inThePresent))
    else it.live(promise, () => run)
  }

  describe(`a relay over DatagramNetwork (${name})`, () => {
    for (const [seed, names] of [
      [1, ["ada", "lin"]],
      [2, ["ada", "lin", "kai"]]
    ] as const) {
      test(
        `${names.length} hear each other, byte for byte, once and in order, whatever control messages come between (seed ${seed})`,
        Lossy.none,
        Effect.fnUntraced(function* () {
          const members = yield* joinAll(names)
          const disturbing = yield* Effect.forkChild(disturb(LegPair.dice(seed + 100), 60))
          yield* Effect.forEach(members, (member, n) => speak(member, LegPair.dice(seed + 10 + n), 60), {
            concurrency: "unbounded"
          })
          yield* allIsHeard(members, `seed ${seed}`)
          const answers = yield* Fiber.join(disturbing)
          assert.isAbove(Raw.messagesIn(answers).length, 5, "the stranger is answered")
        })
      )

      test(
        `${names.length} hear each other all the same when packets are lost on every hop (seed ${seed})`,
        () => Lossy.make(LegPair.dice(seed + 1000), 0.05),
        Effect.fnUntraced(function* (losses) {
          const members = yield* joinAll(names, lossyPlayoutDelayMs)
          yield* Effect.forEach(members, (member, n) => speak(member, LegPair.dice(seed + 20 + n), 40), {
            concurrency: "unbounded"
          })
          yield* allIsHeard(members, `seed ${seed}`)
          assert.isAbove(losses.lost, 20, "packets were lost")
        })
      )
    }

    test(
      "a frame of many packets of one size arrives as so many packets",
      Lossy.none,
      Effect.fnUntraced(function* () {
        const draw = LegPair.dice(3)
        const [ada, lin] = yield* joinAll(["ada", "lin"])
        for (const [packets, bytes] of [
          [8, 1100],
          [59, 1100],
          [64, 20],
          [80, 200]
        ] as const) {
          const payloads = Array.from({ length: packets }, () => payloadOf(draw, bytes))
          ada!.said.video.push(...payloads.map(text))
          const frame = payloads.map((payload, part) => ({
            payload,
            timestamp: packets * 300,
            marker: part === packets - 1,
            descriptor: 0x80
          }))
          yield* ada!.client.sendAll(ada!.client.streams[1]!, frame)
        }
        yield* allIsHeard([ada!, lin!], "frames")
      })
    )
  })
}

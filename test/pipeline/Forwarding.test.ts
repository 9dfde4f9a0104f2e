import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as LegPair from "../media/LegPair.ts"
import * as Relay from "./RelayHarness.ts"

const { FrameType } = HopFrame
const keyFrame = HopFrame.startOfFrameFlag | HopFrame.independentFlag

describe("Forwarding", () => {
  it("sends a packet unchanged to everybody else, under each leg's own numbers", () => {
    const relay = Relay.make(3)
    const first = Relay.frame({ from: 0, repair: 0, payload: Uint8Array.of(1, 2, 3), descriptor: 42 })
    const second = Relay.frame({ from: 2, repair: 0, payload: Uint8Array.of(4, 5) })
    const sent = relay.receive(0, first, second)
    assert.deepStrictEqual(
      sent.map(({ to }) => to),
      [1, 2, 0, 1]
    )
    for (const [place, original] of [
      [0, first],
      [1, first],
      [2, second],
      [3, second]
    ] as const) {
      assert.deepStrictEqual(sent[place]!.bytes.slice(HopFrame.headerBytes), original.bytes.slice(HopFrame.headerBytes))
    }
    const views = sent.map(({ bytes }) => new DataView(bytes.buffer))
    assert.deepStrictEqual(
      views.map((view) => HopFrame.repairSequenceAt(view, 0)),
      [0, 0, 0, 1]
    )
    assert.deepStrictEqual(
      views.map((view) => HopFrame.legTagAt(view, 0)),
      [2, 3, 1, 2]
    )
    assert.strictEqual(HopFrame.descriptorAt(sent[0]!.bytes, 0), 42)
  })

  it("drops by reason what it must not forward, and answers none of it", () => {
    const relay = Relay.make(2)
    const good = Relay.frame({ from: 0, repair: 0 })
    const sent = relay.receive(
      0,
      Relay.frame({ from: 0, repair: 0, tag: 77 }),
      { from: Relay.addressOf(1), bytes: good.bytes },
      Relay.frame({ from: 0, repair: 0, ssrc: 4711 }),
      { from: Relay.addressOf(0), bytes: good.bytes.slice(0, 20) },
      { from: Relay.addressOf(0), bytes: good.bytes.slice(0, 5) },
      { from: Relay.addressOf(0), bytes: Uint8Array.of(0x80, 0, 0, 0) },
      { from: Relay.addressOf(0), bytes: new Uint8Array(0) },
      Relay.frame({ from: 0, repair: 0, type: FrameType.Aggregate })
    )
    assert.deepStrictEqual(sent, [])
    const { dropped } = relay.forwarding.counters
    const counted = Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0))
    assert.deepStrictEqual(counted, {
      unknownLegTag: 1,
      wrongAddress: 1,
      undeclaredStream: 1,
      malformedRtp: 1,
      tooShort: 1,
      notOurs: 2,
      unsupportedType: 1
    })
    const { strayCount, strays } = relay.forwarding
    assert.deepStrictEqual(Array.from(strays.subarray(0, strayCount)), [0])
    assert.deepStrictEqual(relay.poll(10_000), [])
    assert.strictEqual(relay.receive(1, good, good).length, 1)
    assert.strictEqual(dropped.duplicate, 1)
  })

  it("with more work than it can do, it leaves video and does the rest", () => {
    const relay = Relay.make(2)
    const video = (repair: number) => Relay.frame({ from: 0, repair, type: FrameType.Video })
    const typesOf = (sent: ReadonlyArray<Relay.Sent>) => sent.map(Relay.typeOf)
    const { Audio, AudioOnset, EndToEndRtcp, Video } = FrameType
    assert.deepStrictEqual(typesOf(relay.receive(0, video(0))), [Video])
    relay.setBacklog(0.6)
    const sent = relay.receive(
      1,
      video(1),
      Relay.frame({ from: 0, repair: 2, type: Audio }),
      Relay.frame({ from: 0, repair: 3, type: AudioOnset }),
      Relay.frame({ from: 0, repair: 4, type: EndToEndRtcp, timestamp: Relay.audioSsrc(0) }),
      { from: Relay.addressOf(9), bytes: Uint8Array.of(0, 1) }
    )
    assert.deepStrictEqual(typesOf(sent), [Audio, AudioOnset, EndToEndRtcp])
    assert.strictEqual(relay.forwarding.controlCount, 1)
    assert.strictEqual(relay.forwarding.counters.dropped.overload, 1)
    relay.setBacklog(0)
    // It has not been noted as seen, so that it is asked for and forwarded when it comes again.
    const asked = relay.poll(30).filter((sent) => Relay.typeOf(sent) === FrameType.Feedback && sent.to === 0)
    assert.deepStrictEqual(asked.map(Relay.readFeedback), [{ requests: [1], keyFrames: [], rates: [] }])
    const again = Relay.frame({ from: 0, repair: 1, hop: 5, type: Video, flags: HopFrame.resendFlag })
    assert.deepStrictEqual(typesOf(relay.receive(31, again)), [Video])
  })

  it("sets control datagrams aside for the control plane", () => {
    const relay = Relay.make(2)
    relay.receive(0, Relay.frame({ from: 0, repair: 0 }), { from: Relay.addressOf(9), bytes: Uint8Array.of(0, 1) })
    assert.deepStrictEqual(Array.from(relay.forwarding.control.subarray(0, relay.forwarding.controlCount)), [1])
  })

  it("asks the sender for a gap by itself, and does not pass the receiver's request on", () => {
    const relay = Relay.make(2)
    // At the end of the batch, for within one packets may overtake each other.
    const overtaken = [Relay.frame({ from: 0, repair: 1 }), Relay.frame({ from: 0, repair: 0, hop: 9 })]
    const requestsOf = (sent: ReadonlyArray<Relay.Sent>) =>
      sent
        .filter((frame) => frame.to === 0 && Relay.typeOf(frame) === FrameType.Feedback)
        .flatMap((frame) => Relay.readFeedback(frame).requests)
    assert.deepStrictEqual(requestsOf(Relay.make(2).receive(0, ...overtaken)), [])
    const sent = relay.receive(0, Relay.frame({ from: 0, repair: 0 }), Relay.frame({ from: 0, repair: 2 }))
    assert.deepStrictEqual(requestsOf(sent), [1])
    relay.receive(6, Relay.frame({ from: 0, repair: 1, hop: 3, flags: HopFrame.resendFlag }))
    // The receiver missed its second packet: it comes from here, and the sender hears nothing of it.
    const answered = relay.receive(200, Relay.feedback(1, 0, { requests: [1] }))
    assert.deepStrictEqual(
      answered.map(({ to, bytes }) => [to, HopFrame.isResend(bytes, 0)]),
      [[1, true]]
    )
    const later = relay.poll(300).filter((sent) => sent.to === 0 && Relay.typeOf(sent) === FrameType.Feedback)
    assert.deepStrictEqual(
      later.flatMap((sent) => Relay.readFeedback(sent).requests),
      []
    )
    assert.strictEqual(relay.legs[0]!.streams[0]!.packetsRepaired, 1)
  })

  it("does not answer for a packet that is older than its deadline", () => {
    const relay = Relay.make(2)
    relay.receive(0, Relay.frame({ from: 0, repair: 0, timestamp: 0 }))
    relay.receive(380, Relay.frame({ from: 0, repair: 1, timestamp: 380 * 48 }))
    assert.strictEqual(relay.receive(395, Relay.feedback(1, 0, { requests: [0] })).length, 1)
    assert.strictEqual(relay.receive(401, Relay.feedback(1, 1, { requests: [0] })).length, 0)
    assert.strictEqual(relay.forwarding.counters.resendsRefused, 1)
  })

  it("repairs a stream whose RTCP came before its first packet", () => {
    const relay = Relay.make(2)
    const timestamp = 0x9000_0000
    relay.receive(0, Relay.frame({ from: 0, repair: 0, type: FrameType.EndToEndRtcp, timestamp: Relay.audioSsrc(0) }))
    relay.receive(10, Relay.frame({ from: 0, repair: 1, timestamp }))
    assert.strictEqual(relay.receive(90, Relay.feedback(1, 0, { requests: [1] })).length, 1)
  })

  it("drops frames of another session, and is not moved by them", () => {
    const relay = Relay.make(2)
    const forged = Relay.frame({ from: 0, repair: 0 })
    forged.bytes[6] = 100
    assert.deepStrictEqual(relay.receive(0, forged), [])
    assert.strictEqual(relay.forwarding.counters.dropped.wrongEpoch, 1)
    assert.strictEqual(relay.receive(1, Relay.frame({ from: 0, repair: 0 })).length, 1)
  })

  it("asks once for a key frame that many want, again after 500 ms, and not when it has passed", () => {
    const relay = Relay.make(4)
    const video = (repair: number, descriptor: number) =>
      Relay.frame({ from: 0, repair, type: FrameType.Video, descriptor, timestamp: repair * 3000 })
    relay.receive(0, video(0, keyFrame))
    const asks = (nowMs: number) =>
      relay
        .poll(nowMs)
        .filter((sent) => sent.to === 0 && Relay.typeOf(sent) === FrameType.Feedback)
        .flatMap((sent) => Relay.readFeedback(sent).keyFrames)
    asks(50)
    for (const from of [1, 2, 3]) relay.receive(100, Relay.feedback(from, 0, { keyFrames: [Relay.videoSsrc(0)] }))
    assert.deepStrictEqual(asks(110), [Relay.videoSsrc(0)])
    relay.receive(200, video(1, 0))
    assert.deepStrictEqual(asks(500), [])
    assert.deepStrictEqual(asks(620), [Relay.videoSsrc(0)])
    relay.receive(640, video(2, keyFrame))
    assert.deepStrictEqual(asks(1200), [])
    assert.deepStrictEqual(asks(1700), [])
  })

  it("gives key frames only to those who get the stream", () => {
    const relay = Relay.make(2)
    relay.legs[0]!.streams[1]!.targets = []
    relay.receive(0, Relay.feedback(1, 0, { keyFrames: [Relay.videoSsrc(0), Relay.videoSsrc(1), 99] }))
    assert.isFalse(relay.legs[0]!.hop.keyFrames[0]!.pending)
    assert.isFalse(relay.legs[1]!.hop.keyFrames[0]!.pending)
  })

  /** When the receiver is sent padding, if these packets come and no others. Milliseconds. */
  const paddingsAfter = (
    packetsAtMs: ReadonlyArray<number>,
    type: HopFrame.FrameType = FrameType.Audio
  ): ReadonlyArray<number> => {
    const relay = Relay.make(2)
    const paddings: Array<number> = []
    for (let nowMs = 0; nowMs <= packetsAtMs.at(-1)! + 1000; nowMs += 5) {
      const repair = packetsAtMs.indexOf(nowMs)
      if (repair >= 0) relay.receive(nowMs, Relay.frame({ from: 0, repair, type }))
      for (const sent of relay.poll(nowMs))
        if (sent.to === 1 && Relay.typeOf(sent) === FrameType.Padding) paddings.push(nowMs)
    }
    return paddings
  }
  const every = (spacingMs: number, count: number) => Array.from({ length: count }, (_, n) => n * spacingMs)

  it.each([
    [20, 1, [20, 60, 140]],
    [5, 100, [20, 60, 140]],
    [20, 100, [50, 90, 170]],
    [60, 100, [100, 140, 220]]
  ])("shows receivers the last number after a stream stops: every %d ms, %d packets", (spacingMs, count, after) => {
    const packetsAtMs = every(spacingMs, count)
    const sinceLast = paddingsAfter(packetsAtMs).map((atMs) => atMs - packetsAtMs.at(-1)!)
    // Before so much is known of a slow stream, there is some between its first packets.
    assert.deepStrictEqual(
      sinceLast.filter((ms) => ms > 0),
      after
    )
  })

  it("behind each packet of video that nothing follows for 20 ms", () => {
    const wanted = every(40, 20).map((atMs) => atMs + 20)
    assert.deepStrictEqual(paddingsAfter(every(40, 20), FrameType.Video), [...wanted, 820, 900])
  })

  it("sends no padding for one packet that is missing, nor when all are late by turns", () => {
    const gaps = every(20, 200).filter((_, n) => n < 50 || n % 3 !== 0)
    const late = every(20, 200).map((atMs, n) => (n < 50 || n % 2 === 0 ? atMs : atMs + 10))
    for (const packetsAtMs of [gaps, late]) {
      const last = packetsAtMs.at(-1)!
      assert.deepStrictEqual(
        paddingsAfter(packetsAtMs).filter((atMs) => atMs < last),
        []
      )
    }
  })

  const Seed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0x7fffffff }))
  it.prop("is blind: random payloads change no decision and no counter", [Seed], ([seed]) => {
    const run = (payloadOf: (length: number) => Uint8Array) => {
      const draw = LegPair.dice(seed)
      const relay = Relay.make(3)
      const shape: Array<string> = []
      const repairs = [0, 0, 0]
      for (let step = 0; step < 60; step++) {
        const nowMs = step * 7
        const from = Math.floor(draw() * 3)
        const repair = (repairs[from]! += draw() < 0.2 ? 2 : 1)
        const length = Math.floor(draw() * 1000)
        const type = draw() < 0.5 ? FrameType.Audio : FrameType.Video
        const asks = { requests: draw() < 0.3 ? [Math.floor(draw() * 20)] : [] }
        const descriptor = Math.floor(draw() * 256)
        const sent = [
          ...relay.receive(nowMs, Relay.frame({ from, repair, type, descriptor, payload: payloadOf(length) })),
          ...relay.receive(nowMs, Relay.feedback((from + 1) % 3, 10_000 + step, asks)),
          ...relay.poll(nowMs)
        ]
        for (const { to, bytes } of sent) {
          // Of a media frame all but the payload, of the relay's own frames all.
          const seen = HopFrame.isMedia(HopFrame.typeAt(bytes, 0)) ? bytes.subarray(0, 24) : bytes
          shape.push(`${to} ${bytes.length} ${Buffer.from(seen).toString("hex")}`)
        }
      }
      return {
        shape,
        counters: relay.forwarding.counters,
        streams: relay.legs.map(({ streams }) => streams.map(({ packets, bytes }) => [packets, bytes]))
      }
    }
    const noise = LegPair.dice(seed + 1)
    const real = run((length) => new Uint8Array(length))
    const random = run((length) => Uint8Array.from({ length }, () => noise() * 256))
    assert.deepStrictEqual(random, real)
    assert.isAbove(real.shape.length, 60)
  })
})

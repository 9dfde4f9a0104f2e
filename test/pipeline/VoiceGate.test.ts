import { assert, describe, it } from "@effect/vitest"
import * as RelayStream from "../../src/pipeline/RelayStream.ts"
import * as VoiceGate from "../../src/pipeline/VoiceGate.ts"
import * as HopFrame from "../../src/protocol/HopFrame.ts"
import * as Relay from "./RelayHarness.ts"

const { FrameType } = HopFrame
const packetMs = 20

/** A relay of three, where the first one's audio is held back by the plan, or not. */
const make = () => {
  const relay = Relay.make(3)
  const [leg] = relay.legs
  const stream = leg!.streams[0]!
  let repair = 0
  const plan = (isAudible: boolean, nowMs: number, holdsSilence = false) =>
    RelayStream.route(stream, leg!.sources, isAudible, nowMs, VoiceGate.makeVoices(holdsSilence))
  plan(false, 0)
  /** `place`: of its timestamp, in packets; as its number, if not said. */
  const send = (nowMs: number, type: HopFrame.FrameType = FrameType.Audio, place = repair, descriptor = 0) =>
    relay.receive(nowMs, Relay.frame({ from: 0, repair: repair++, type, timestamp: place * 960, descriptor }))
  /** From then on for so long; how many of the packets the second one gets. */
  const sendFor = (fromMs: number, forMs: number, type: HopFrame.FrameType = FrameType.Audio): number => {
    let heard = 0
    for (let nowMs = fromMs; nowMs < fromMs + forMs; nowMs += packetMs) {
      heard += send(nowMs, type).filter(({ to }) => to === 1).length
    }
    return heard
  }
  return { plan, send, sendFor, stream }
}

const numberOf = ({ bytes }: Relay.Sent): number => new DataView(bytes.buffer).getUint16(HopFrame.headerBytes + 2)
const hasHole = ({ bytes }: Relay.Sent): boolean => (bytes[0]! & HopFrame.gapFlag) !== 0

describe("VoiceGate", () => {
  it("what the plan holds back goes nowhere, and is metered all the same", () => {
    const { sendFor, stream } = make()
    assert.strictEqual(sendFor(0, 200), 0)
    assert.strictEqual(stream.gate!.volume.count, 10)
  })

  it("what the plan lets through follows a hole that is intended", () => {
    const { plan, send, sendFor } = make()
    sendFor(0, 200)
    plan(true, 200)
    assert.deepStrictEqual(send(200).map(hasHole), [true, true])
    assert.deepStrictEqual(send(220).map(hasHole), [false, false])
  })

  it("of many of whom none has been chosen, silence goes nowhere, and a voice at once, from just before it", () => {
    const { plan, send } = make()
    plan(true, 0, true)
    const levels = (fromMs: number, forMs: number, level: number) => {
      const heard: Array<number> = []
      for (let nowMs = fromMs; nowMs < fromMs + forMs; nowMs += packetMs) {
        heard.push(send(nowMs, FrameType.Audio, undefined, level).filter(({ to }) => to === 1).length)
      }
      return heard
    }
    assert.isTrue(levels(0, 200, 70).every((count) => count === 0))
    assert.deepStrictEqual(levels(200, 60, 30), [4, 1, 1])
    // A pause between two words is no silence.
    assert.isTrue(levels(260, 380, 70).every((count) => count === 1))
    assert.isTrue(levels(640, 100, 70).every((count) => count === 0))
    assert.isTrue(levels(740, 100, HopFrame.audioLevelUnknown).every((count) => count === 0))
    plan(true, 840)
    assert.isTrue(levels(840, 100, 70).every((count) => count === 1))
  })

  it("of many of whom none has been chosen, who does not say how loud he is is heard, and who says an onset", () => {
    const heard = (sent: ReadonlyArray<Relay.Sent>) => sent.filter(({ to }) => to === 1).length
    const unknown = make()
    unknown.plan(true, 0, true)
    for (let nowMs = 0; nowMs < 1000; nowMs += packetMs) {
      const sent = unknown.send(nowMs, FrameType.Audio, undefined, HopFrame.audioLevelUnknown)
      assert.strictEqual(heard(sent), 1, `at ${nowMs} ms`)
    }
    const quiet = make()
    quiet.plan(true, 0, true)
    assert.strictEqual(heard(quiet.send(0, FrameType.Audio, undefined, 70)), 0)
    assert.strictEqual(heard(quiet.send(20, FrameType.AudioOnset, undefined, 60)), 2)
    for (let nowMs = 40; nowMs < 820; nowMs += packetMs) {
      assert.strictEqual(heard(quiet.send(nowMs, FrameType.Audio, undefined, 60)), 1, `at ${nowMs} ms`)
    }
    assert.strictEqual(heard(quiet.send(840, FrameType.Audio, undefined, 60)), 0)
  })

  it("an onset is heard at once, with the three packets before it", () => {
    const { send, sendFor } = make()
    sendFor(0, 200)
    const sent = send(200, FrameType.AudioOnset).filter(({ to }) => to === 1)
    assert.deepStrictEqual(sent.map(numberOf), [7, 8, 9, 10])
    assert.deepStrictEqual(sent.map(hasHole), [true, false, false, false])
    assert.deepStrictEqual(sent.map(Relay.typeOf), [
      FrameType.Audio,
      FrameType.Audio,
      FrameType.Audio,
      FrameType.AudioOnset
    ])
    assert.deepStrictEqual(
      send(220, FrameType.AudioOnset)
        .filter(({ to }) => to === 1)
        .map(numberOf),
      [11]
    )
  })

  it("packets of before a pause are no part of what is said", () => {
    const { send, sendFor } = make()
    sendFor(0, 100)
    const sent = send(900, FrameType.AudioOnset, 100).filter(({ to }) => to === 1)
    assert.deepStrictEqual(sent.map(numberOf), [5])
    assert.deepStrictEqual(sent.map(hasHole), [true])
  })

  it("an onset lasts for 800 ms, and comes once in two seconds", () => {
    const { sendFor } = make()
    assert.strictEqual(sendFor(0, 2000, FrameType.AudioOnset), 40)
    // The plan has not come to the same: now it takes twice as long.
    assert.strictEqual(sendFor(2000, 2000, FrameType.AudioOnset), 0)
    assert.strictEqual(sendFor(4000, 2000, FrameType.AudioOnset), 3 + 40)
  })

  it("who overrides all the time gains next to nothing", () => {
    const { sendFor } = make()
    const packets = 600_000 / packetMs
    assert.isBelow(sendFor(0, 600_000, FrameType.AudioOnset), 0.03 * packets)
  })

  it("who is heard by the plan after an onset may have the next one soon", () => {
    const { plan, sendFor } = make()
    for (let round = 0; round < 5; round++) {
      const fromMs = round * 3000
      assert.isAtLeast(sendFor(fromMs, 400, FrameType.AudioOnset), 20)
      plan(true, fromMs + 400)
      assert.strictEqual(sendFor(fromMs + 400, 1000), 50)
      plan(false, fromMs + 1400)
      assert.strictEqual(sendFor(fromMs + 1400, 1600), 0)
    }
  })

  it("a plan that may have known of the onset revokes it, one that could not does not", () => {
    const { plan, sendFor } = make()
    assert.strictEqual(sendFor(0, 200, FrameType.AudioOnset), 10)
    plan(false, 200)
    assert.strictEqual(sendFor(200, 300), 15)
    plan(false, 500)
    assert.strictEqual(sendFor(500, 300), 0)
  })

  /** A relay of six, where the plan lets the first four be heard; who of them is heard by the sixth, with each packet of all. */
  const makeCrowd = () => {
    const relay = Relay.make(6)
    const voices = VoiceGate.makeVoices(false)
    for (const [n, leg] of relay.legs.entries()) {
      RelayStream.route(leg.streams[0]!, leg.sources, n < 4, 0, voices)
    }
    let repair = 0
    let nowMs = 0
    /** `says`: the level of each of the first five, and whether it is an onset. */
    const pass = (forMs: number, says: ReadonlyArray<number | "onset">): ReadonlyArray<number> => {
      const heard = new Set<number>()
      for (const untilMs = nowMs + forMs; nowMs < untilMs; nowMs += packetMs) {
        for (const [from, said] of says.entries()) {
          const type = said === "onset" ? FrameType.AudioOnset : FrameType.Audio
          const descriptor = said === "onset" ? 20 : said
          const sent = relay.receive(nowMs, Relay.frame({ from, repair, type, timestamp: repair * 960, descriptor }))
          if (sent.some(({ to }) => to === 5)) heard.add(from)
        }
        repair++
      }
      return [...heard].sort()
    }
    return pass
  }

  it("no more than four are heard at once: who is silent makes room for an onset, and is heard again after it", () => {
    const pass = makeCrowd()
    assert.deepStrictEqual(pass(1000, [30, 70, 70, 70, 70]), [0, 1, 2, 3])
    pass(20, [30, 70, 70, 70, "onset"])
    assert.deepStrictEqual(pass(200, [30, 70, 70, 70, "onset"]), [0, 4])
    // A pause between two words takes nobody's place.
    assert.deepStrictEqual(pass(100, [70, 70, 70, 70, 20]), [0, 4])
    assert.deepStrictEqual(pass(100, [30, 30, 70, 70, 20]), [0, 1, 4])
    pass(1000, [30, 70, 70, 70, 70])
    assert.deepStrictEqual(pass(100, [30, 70, 70, 70, 70]), [0, 1, 2, 3])
  })

  it("where four sound nobody is let through on an onset, and who is planned takes its place from one who was", () => {
    const pass = makeCrowd()
    pass(200, [30, 30, 30, 30, 70])
    assert.deepStrictEqual(pass(200, [30, 30, 30, 30, "onset"]), [0, 1, 2, 3])
    const other = makeCrowd()
    other(1000, [30, 30, 30, 70, 70])
    other(20, [30, 30, 30, 70, "onset"])
    assert.deepStrictEqual(other(100, [30, 30, 30, 70, "onset"]), [0, 1, 2, 4])
    other(20, [30, 30, 30, 30, 20])
    assert.deepStrictEqual(other(100, [30, 30, 30, 30, 20]), [0, 1, 2, 3])
  })
})

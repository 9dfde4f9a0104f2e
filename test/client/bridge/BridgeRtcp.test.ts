import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as NtpTime from "../../../src/protocol/NtpTime.ts"
import * as RtcpPacket from "../../../src/protocol/RtcpPacket.ts"
import type { SenderReport } from "../../../src/protocol/RtcpReports.ts"
import { hosts } from "../RelayScene.ts"
import { packetOf } from "../RtpPackets.ts"
import { both, bridgeScene, inPort, numbersTo, openBridge, outPort, program, tagged, video } from "./BridgeScene.ts"

const frame = (number: number) =>
  packetOf({
    ssrc: video.ssrc,
    sequenceNumber: 100 + number,
    timestamp: number * 3000,
    marker: true,
    payload: Uint8Array.of(number)
  })

const playerSsrc = 77

const senderReport = (ntpSeconds: number): SenderReport => ({
  _tag: "SenderReport",
  ssrc: video.ssrc,
  ntpTime: { seconds: ntpSeconds, fraction: 42 },
  rtpTimestamp: 123,
  packetCount: 9,
  octetCount: 99,
  blocks: []
})

/** Ada's program with its two ports, lin's player with its two, and both bridges. */
const callOfPrograms = Effect.gen(function* () {
  const bridges = yield* both
  const sender = { rtp: yield* program(hosts.ada, 7000), rtcp: yield* program(hosts.ada, 7001) }
  const player = { rtp: yield* program(hosts.lin, outPort), rtcp: yield* program(hosts.lin, outPort + 1) }
  const show = Effect.fnUntraced(function* (numbers: ReadonlyArray<number>) {
    for (const number of numbers) {
      yield* sender.rtp.send(inPort, frame(number))
      yield* Effect.sleep(33)
    }
  })
  const toBridge = (...packets: ReadonlyArray<RtcpPacket.RtcpPacket>) =>
    player.rtcp.send(bridges.lin.bridge.statistics().outputs[0]!.bridge.rtcpPort, RtcpPacket.encode(packets))
  return { ...bridges, sender, player, show, toBridge }
})

describe("RTCP with the program that sends", { timeout: 30_000 }, () => {
  it.effect("reports on what has come, when it is known where the program listens", () =>
    bridgeScene(
      120,
      Effect.gen(function* () {
        const { sender, show } = yield* callOfPrograms
        yield* show(numbersTo(60))
        assert.deepStrictEqual(sender.rtcp.received, [])
        yield* sender.rtcp.send(inPort + 1, RtcpPacket.encode([senderReport(1)]))
        yield* show(numbersTo(120).slice(60))
        const reports = tagged(sender.rtcp.rtcp(), "ReceiverReport").flatMap(({ blocks }) => blocks)
        assert.isAtLeast(reports.length, 2)
        assert.deepInclude(reports.at(-1), { ssrc: video.ssrc, cumulativeLost: 0, fractionLost: 0 })
        assert.isAbove(reports.at(-1)!.extendedHighestSequence, 180)
        assert.strictEqual(reports.at(-1)!.lastSenderReport, 0x1_0000)
        assert.deepStrictEqual(sender.rtp.received, [])
      })
    )
  )

  it.effect("asks for what is missing, and takes it when it comes again", () =>
    bridgeScene(
      121,
      Effect.gen(function* () {
        const { ada, player, sender, show } = yield* callOfPrograms
        yield* sender.rtcp.send(inPort + 1, RtcpPacket.encode([senderReport(1)]))
        yield* show([0, 1, 2, 5, 6])
        const nacks = tagged(sender.rtcp.rtcp(), "GenericNack")
        assert.deepStrictEqual(nacks[0], {
          _tag: "GenericNack",
          senderSsrc: nacks[0]!.senderSsrc,
          mediaSsrc: video.ssrc,
          lost: [103, 104]
        })
        yield* show([3, 4])
        yield* Effect.sleep(1500)
        const asked = ada.bridge.statistics().inputs[0]!.packetsRequested
        yield* show([7, 8])
        assert.deepStrictEqual(player.rtp.received.map(({ bytes }) => bytes[12]!).toSorted(), numbersTo(9))
        assert.strictEqual(ada.bridge.statistics().inputs[0]!.packetsRequested, asked)
      })
    )
  )

  it.effect("may come on one port with RTP, and is answered there", () =>
    bridgeScene(
      122,
      Effect.gen(function* () {
        const { sender, show } = yield* callOfPrograms
        yield* sender.rtp.send(inPort, RtcpPacket.encode([senderReport(1)]))
        yield* show(numbersTo(60))
        assert.isAtLeast(tagged(sender.rtp.rtcp(), "ReceiverReport").length, 1)
        assert.deepStrictEqual(new Set(sender.rtp.received.map(({ sourcePort }) => sourcePort)), new Set([inPort]))
      })
    )
  )
})

describe("RTCP with the program that plays", { timeout: 30_000 }, () => {
  it.effect("wants packets again, and gets them byte for byte", () =>
    bridgeScene(
      123,
      Effect.gen(function* () {
        const { lin, player, show, toBridge } = yield* callOfPrograms
        yield* show(numbersTo(10))
        player.rtp.received.length = 0
        const mediaSsrc = video.ssrc
        yield* toBridge({ _tag: "GenericNack", senderSsrc: playerSsrc, mediaSsrc, lost: [104, 106, 30_000] })
        yield* Effect.sleep(20)
        assert.deepStrictEqual(
          player.rtp.received.map(({ bytes }) => bytes),
          [frame(4), frame(6)]
        )
        assert.strictEqual(lin.bridge.statistics().outputs[0]!.packetsResent, 2)
        yield* toBridge({ _tag: "GenericNack", senderSsrc: playerSsrc, mediaSsrc: 5, lost: [104] })
        yield* Effect.sleep(20)
        assert.strictEqual(player.rtp.received.length, 2)
      })
    )
  )

  it.effect("wants a key frame: the sender gets a PLI, within a round trip, and not for ever", () =>
    bridgeScene(
      124,
      Effect.gen(function* () {
        const { sender, show, toBridge } = yield* callOfPrograms
        yield* sender.rtcp.send(inPort + 1, RtcpPacket.encode([senderReport(1)]))
        yield* show(numbersTo(10))
        const plis = () => tagged(sender.rtcp.rtcp(), "PictureLossIndication")
        assert.deepStrictEqual(plis(), [])
        yield* toBridge({ _tag: "PictureLossIndication", senderSsrc: playerSsrc, mediaSsrc: video.ssrc })
        yield* show([10, 11, 12])
        assert.deepStrictEqual(
          plis().map(({ mediaSsrc }) => mediaSsrc),
          [video.ssrc]
        )
        yield* show(numbersTo(150).slice(13))
        assert.isAtMost(plis().length, 4)
        const before = plis().length
        const requests = [{ ssrc: video.ssrc, sequenceNumber: 1 }]
        yield* toBridge({ _tag: "FullIntraRequest", senderSsrc: playerSsrc, requests })
        yield* show([150, 151, 152])
        assert.strictEqual(plis().length, before + 1)
      })
    )
  )

  it.effect("hears the sender's own reports, and the bridge's when there are none", () =>
    bridgeScene(
      125,
      Effect.gen(function* () {
        const { player, sender, show } = yield* callOfPrograms
        yield* show(numbersTo(90))
        const made = tagged(player.rtcp.rtcp(), "SenderReport")
        assert.isAtLeast(made.length, 2)
        assert.deepInclude(made.at(-1), { ssrc: video.ssrc })
        // Of virtual time, which began in 2027.
        assert.approximately(made.at(-1)!.ntpTime.seconds, 1_800_000_000 + 2_208_988_800, 60)
        yield* sender.rtcp.send(inPort + 1, RtcpPacket.encode([senderReport(55)]))
        yield* show(numbersTo(180).slice(90))
        const since = tagged(player.rtcp.rtcp(), "SenderReport").slice(made.length)
        assert.deepStrictEqual(since, [senderReport(55)])
        const named = tagged(player.rtcp.rtcp(), "SourceDescription").flatMap(({ chunks }) => chunks)
        assert.deepStrictEqual(named[0], { ssrc: video.ssrc, cname: "ada" })
      })
    )
  )

  it.effect("tells what it has lost, and how far away it is", () =>
    bridgeScene(
      126,
      Effect.gen(function* () {
        const { lin, player, show, toBridge } = yield* callOfPrograms
        yield* show(numbersTo(5))
        const { ntpTime } = tagged(player.rtcp.rtcp(), "SenderReport")[0]!
        const block = {
          ssrc: video.ssrc,
          fractionLost: 64,
          cumulativeLost: 3,
          extendedHighestSequence: 200,
          jitter: 900,
          lastSenderReport: NtpTime.middle32(ntpTime),
          delaySinceLastSenderReport: 0
        }
        yield* toBridge({ _tag: "ReceiverReport", ssrc: playerSsrc, blocks: [block] })
        yield* Effect.sleep(20)
        const { playerReport } = lin.bridge.statistics().outputs[0]!
        assert.deepInclude(playerReport, { lossRatio: 0.25, packetsLost: 3, jitterMs: 10 })
        assert.approximately(playerReport!.roundTripMs!, 5 * 33, 20, "as it says it has not held it")
      })
    )
  )

  it.effect("says goodbye when the sender leaves the call", () =>
    bridgeScene(
      127,
      Effect.gen(function* () {
        const { ada, player, show } = yield* callOfPrograms
        yield* show(numbersTo(5))
        yield* ada.client.leave
        yield* Effect.sleep(3000)
        assert.deepStrictEqual(
          tagged(player.rtcp.rtcp(), "Goodbye").map(({ ssrcs }) => ssrcs),
          [[video.ssrc]]
        )
      })
    )
  )

  it.effect("is no plain RTCP: dropped and counted", () =>
    bridgeScene(
      128,
      Effect.gen(function* () {
        const { lin, player, show } = yield* callOfPrograms
        yield* show(numbersTo(5))
        const { bridge } = lin.bridge.statistics().outputs[0]!
        yield* player.rtcp.send(bridge.rtcpPort, Uint8Array.of(1, 2, 3), Uint8Array.of(0x80, 201, 0, 9, 0, 0, 0, 1))
        yield* player.rtcp.send(bridge.rtpPort, frame(1))
        yield* Effect.sleep(20)
        assert.strictEqual(lin.bridge.statistics().outputs[0]!.dropped.malformed, 3)
      })
    )
  )
})

describe("RTCP of a program that sends and plays in one session", { timeout: 30_000 }, () => {
  it.effect("is heeded on the port that it sends to", () =>
    bridgeScene(
      130,
      Effect.gen(function* () {
        const own = { ...video, ssrc: 33_333 }
        yield* openBridge("ada")
        const lin = yield* openBridge("lin", { streams: [own] })
        yield* Effect.sleep(200)
        const sender = yield* program(hosts.ada, 7000)
        const linRtp = yield* program(hosts.lin, outPort)
        const linRtcp = yield* program(hosts.lin, outPort + 1)
        for (const number of numbersTo(10)) {
          yield* sender.send(inPort, frame(number))
          yield* Effect.sleep(33)
        }
        linRtp.received.length = 0
        const nack = { _tag: "GenericNack", senderSsrc: own.ssrc, mediaSsrc: video.ssrc, lost: [103] } as const
        yield* linRtcp.send(inPort + 1, RtcpPacket.encode([{ ...senderReport(1), ssrc: own.ssrc }, nack]))
        yield* Effect.sleep(20)
        assert.deepStrictEqual(
          linRtp.received.map(({ bytes }) => bytes),
          [frame(3)]
        )
        assert.strictEqual(lin.bridge.statistics().outputs[0]!.packetsResent, 1)
      })
    )
  )
})

describe("encrypted RTCP", { timeout: 30_000 }, () => {
  it.effect("passes whole, and none is made", () =>
    bridgeScene(
      129,
      Effect.gen(function* () {
        yield* openBridge("ada", { srtcp: true })
        const lin = yield* openBridge("lin", { srtcp: true })
        yield* Effect.sleep(200)
        const sender = { rtp: yield* program(hosts.ada, 7000), rtcp: yield* program(hosts.ada, 7001) }
        const player = { rtp: yield* program(hosts.lin, outPort), rtcp: yield* program(hosts.lin, outPort + 1) }
        // As RFC 3711 section 3.4 has it: eight bytes in clear, then nothing that can be read.
        const report = Uint8Array.of(0x80, 200, 0, 6, 0, 0, 0x2b, 0x67, ...numbersTo(48).map((n) => (n * 91) & 0xff))
        for (const number of numbersTo(90)) {
          yield* sender.rtp.send(inPort, frame(number))
          if (number === 45) yield* sender.rtcp.send(inPort + 1, report)
          yield* Effect.sleep(33)
        }
        assert.deepStrictEqual(
          player.rtcp.received.map(({ bytes }) => bytes),
          [report]
        )
        assert.deepStrictEqual(sender.rtcp.received, [])
        yield* player.rtcp.send(lin.bridge.statistics().outputs[0]!.bridge.rtcpPort, report)
        yield* Effect.sleep(20)
        assert.strictEqual(lin.bridge.statistics().outputs[0]!.dropped.malformed, 1)
      })
    )
  )
})

import { type Bridge, slotsMax } from "../client/bridge/Bridge.ts"
import type { BridgeEvent } from "../client/bridge/BridgeEvent.ts"
import type { InputStatistics } from "../client/bridge/BridgeInput.ts"
import * as BridgeOutput from "../client/bridge/BridgeOutput.ts"
import * as CodecName from "../client/bridge/CodecName.ts"
import type { CallStatistics } from "../client/CallClient.ts"
import type { LocalStream } from "../client/JoinOptions.ts"
import type { RtpClient } from "../client/RtpClient.ts"
import * as ProgramCommands from "./ProgramCommands.ts"

/** What `tandem bridge` says: for programs an object a line, for people text. */
export interface BridgeReport {
  readonly ready: (bridge: Bridge, relay: string) => string
  readonly event: (event: BridgeEvent) => string
  readonly summary: (bridge: Bridge, statistics: CallStatistics) => string
}

type StreamName = Omit<LocalStream, "payloadType">

const describeStream = ({ clockRate, codec, kind, ssrc }: StreamName, payloadType: number) => ({
  kind,
  codec,
  rtpmap: CodecName.rtpmapOf(codec, clockRate),
  clockRate,
  payloadType,
  ssrc
})

const describeInput = ({ bridge, stream }: InputStatistics) => ({
  ...describeStream(stream, stream.payloadType),
  ...bridge
})

const describeOutput = ({ bridge, participant, payloadType, player, stream }: BridgeOutput.OutputStatistics) => ({
  participant,
  ...describeStream(stream, payloadType),
  player,
  bridge
})

const summarizeInput = (input: InputStatistics) => {
  const { dropped, packets, packetsDuplicate, packetsRequested } = input
  return { ...describeInput(input), packets, packetsDuplicate, packetsRequested, dropped }
}

const summarizeOutput = (output: BridgeOutput.OutputStatistics) => {
  const { dropped, keyFrameRequests, packets, packetsResent, playerReport = null } = output
  return { ...describeOutput(output), packets, packetsResent, keyFrameRequests, playerReport, dropped }
}

const describeEvent = (event: BridgeEvent) => {
  switch (event._tag) {
    case "StreamStarted":
      return { event: "stream", ...describeOutput(BridgeOutput.statistics(event.output)), sdp: event.sdpPath }
    case "StreamEnded":
      return { event: "ended", participant: event.output.participant, ssrc: event.output.stream.ssrc }
    case "OtherSsrc":
      return { event: "otherSsrc", expected: event.input.stream.ssrc, found: event.ssrc }
  }
}

export const json: BridgeReport = {
  ready: (bridge, relay) =>
    JSON.stringify({ event: "ready", relay, inputs: bridge.statistics().inputs.map(describeInput) }),
  event: (event) => JSON.stringify(describeEvent(event)),
  summary: (bridge, call) => {
    const { inputs, outputs, packetsUnplayed } = bridge.statistics()
    return JSON.stringify({
      event: "summary",
      inputs: inputs.map(summarizeInput),
      outputs: outputs.map(summarizeOutput),
      packetsUnplayed,
      call: { ...call, roundTripMs: call.roundTripMs ?? null }
    })
  }
}

/** `rtcpPorts`: a free one for the program of each input. */
export const text = (options: {
  readonly client: RtpClient
  readonly surroundings: ProgramCommands.Surroundings
  readonly rtcpPorts: ReadonlyArray<number>
}): BridgeReport => ({
  ready: (bridge, relay) => {
    const { client, rtcpPorts, surroundings } = options
    const { host } = surroundings
    return [
      `${client.participant} is in call ${client.call} over ${relay}; Ctrl-C leaves it`,
      ...bridge.statistics().inputs.map((input, k) => {
        const { rtcpPort, rtpPort } = input.bridge
        const commands = ProgramCommands.senders(input, surroundings, rtcpPorts[k]!)
        const name = nameOf(input.stream, input.stream.payloadType)
        return [
          `${name}: send RTP to port ${rtpPort} and RTCP to ${rtcpPort} of ${host}${as(commands)}`,
          ...commands
        ].join("\n  ")
      })
    ].join("\n")
  },
  event: (event) => {
    switch (event._tag) {
      case "StreamStarted": {
        const output = BridgeOutput.statistics(event.output)
        const { participant, payloadType, player, stream } = output
        const commands = ProgramCommands.players(output, event.sdpPath, options.surroundings)
        return [
          `${nameOf(stream, payloadType)} of ${printable(participant)} goes to ports ${player.rtpPort} and ${player.rtcpPort} of ` +
            `${options.surroundings.host}, described in ${event.sdpPath}${thatPlay(commands)}`,
          ...commands
        ].join("\n  ")
      }
      case "StreamEnded":
        return `${nameOf(event.output.stream, event.output.payloadType)} of ${printable(event.output.participant)} has ended`
      case "OtherSsrc": {
        const { input, ssrc } = event
        const { codec, clockRate, kind, payloadType } = input.stream
        return (
          `${nameOf(input.stream, input.stream.payloadType)} is expected on port ${input.ports.rtp.address[0]}, and SSRC ${ssrc} came: it goes ` +
          `nowhere. Send with the announced SSRC, or restart with --send ${kind}/${CodecName.rtpmapOf(codec, clockRate)}:${payloadType}:${ssrc}`
        )
      }
    }
  },
  summary: (bridge, { downlink, uplink }) => {
    const { inputs, outputs, packetsUnplayed } = bridge.statistics()
    return [
      ...inputs.map(
        ({ packets, packetsRequested, stream }) =>
          `${nameOf(stream, stream.payloadType)}: ${packets} packets sent, ${packetsRequested} asked for again`
      ),
      ...outputs.map(
        ({ packets, packetsResent, participant, payloadType, stream }) =>
          `${nameOf(stream, payloadType)} of ${printable(participant)}: ${packets} packets, ${packetsResent} sent again`
      ),
      ...(packetsUnplayed === 0
        ? []
        : [`${packetsUnplayed} packets of streams beyond the ${slotsMax} that are played`]),
      `to the relay ${uplink.packetsSent} packets with RTCP, ${uplink.packetsResent} sent again; ` +
        `from it ${downlink.packetsReceived}, of which ${downlink.packetsRepaired} were lost and repaired`
    ].join("\n")
  }
})

/** What others are called may have line breaks and worse. */
const printable = (name: string): string => name.replace(/\p{C}+/gu, " ")

const as = (commands: ReadonlyArray<string>): string => {
  if (commands.length === 0) return ""
  return commands.length === 1 ? ", as this does:" : ", as either of these does:"
}

const thatPlay = (commands: ReadonlyArray<string>): string => {
  if (commands.length === 0) return ""
  return commands.length === 1 ? "; this plays it:" : "; either of these plays it:"
}

/** "video VP8 (SSRC 11111, payload type 96)" */
const nameOf = ({ codec, kind, ssrc }: StreamName, payloadType: number): string =>
  `${kind} ${CodecName.encodingNameOf(codec)} (SSRC ${ssrc}, payload type ${payloadType})`

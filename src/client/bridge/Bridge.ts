import { Clock, Effect, Exit, FileSystem, Path, type PlatformError, Schema, Scope, Stream } from "effect"
import type { RtcpPacket } from "../../protocol/RtcpPacket.ts"
import * as RtpHeader from "../../protocol/RtpHeader.ts"
import type { DatagramNetwork, PortNotOpened } from "../../sockets/DatagramNetwork.ts"
import type { ReceivedRtp, RtpClient } from "../RtpClient.ts"
import { drawU32, SecureBytes } from "../SecureBytes.ts"
import type { BridgeEvent } from "./BridgeEvent.ts"
import * as BridgeInput from "./BridgeInput.ts"
import * as BridgeOutput from "./BridgeOutput.ts"
import type { BridgeSetting } from "./BridgeSetting.ts"
import * as LocalPortPair from "./LocalPortPair.ts"
import * as PlayerSlots from "./PlayerSlots.ts"
import * as SessionDescription from "./SessionDescription.ts"

export { slotsMax } from "./PlayerSlots.ts"

export interface Options {
  readonly client: RtpClient
  /** IP address that programs send to and receive at: one of this machine's. */
  readonly host: string
  /** Stream k of the client comes in on this port + 2k, its RTCP on the next. Even; 0 takes free pairs. */
  readonly inPort: number
  /**
   * The k-th stream that is received goes to this port + 2k, its RTCP to the next. Even, with room for `slotsMax` pairs; 0
   * takes free ones.
   */
  readonly outPort: number
  /** Programs encrypt RTCP: theirs passes whole, and none is made here. */
  readonly srtcp: boolean
  /** Master key and salt that programs encrypt with, in base64: only for the descriptions. */
  readonly srtpKey: string | undefined
  /** Directory for the session descriptions; it is made. */
  readonly sdpDirectory: string
  readonly onEvent: (event: BridgeEvent) => Effect.Effect<void>
}

/**
 * A participant in a call whose media other programs make and play: plain RTP and RTCP on local ports. Packets pass byte
 * for byte; RTCP is spoken with each program in its own right.
 */
export interface Bridge {
  readonly inputs: ReadonlyArray<BridgeInput.BridgeInput>
  readonly statistics: () => BridgeStatistics
  /** Carries packets until the call is lost. */
  readonly run: Effect.Effect<never, CallLost | PortNotOpened | PlatformError.PlatformError>
}

/** Of this moment, and not changed any more. */
export interface BridgeStatistics {
  readonly inputs: ReadonlyArray<BridgeInput.InputStatistics>
  /** Those that have ended, the last 256 of them, then those that are played. */
  readonly outputs: ReadonlyArray<BridgeOutput.OutputStatistics>
  /** Packets of streams that found no slot, because so many are played already. */
  readonly packetsUnplayed: number
}

/** The relay could not be kept, nor another be found. */
export class CallLost extends Schema.TaggedError<CallLost>()("CallLost", { message: Schema.String }) {}

/** Streams that are remembered when they have ended. */
const endedMax = 256
/** RTCP that is due waits at most so long. Milliseconds. */
const tickMs = 20
/** A client takes packets of who has left so long. Milliseconds. */
const lastWordsMs = 1500

interface Open {
  readonly output: BridgeOutput.BridgeOutput
  readonly scope: Scope.Closeable
}

/** Opens the ports for what is sent. All ports are closed when the scope ends. */
export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Bridge, PortNotOpened, DatagramNetwork | FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const { client, host, srtcp } = options
  const scope = yield* Effect.scope
  const services = yield* Effect.context<DatagramNetwork | FileSystem.FileSystem | Path.Path>()
  const clock = yield* Clock.Clock
  const setting: BridgeSetting = {
    client,
    host,
    srtcp,
    nowMs: () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000,
    unixMs: () => clock.currentTimeMillisUnsafe()
  }
  const receiverSsrc = drawU32(yield* SecureBytes, (drawn) => client.streams.every(({ ssrc }) => ssrc !== drawn))
  const slots = PlayerSlots.make()
  /** Of the players, by slot. */
  const playerPorts: Array<LocalPortPair.PortNumbers> = []
  const openFree = Effect.suspend(() =>
    LocalPortPair.openFree(host, new Set(playerPorts.map(({ rtpPort }) => rtpPort)))
  )
  const inputs = yield* Effect.forEach(client.streams, (stream, k) =>
    Effect.map(options.inPort === 0 ? openFree : LocalPortPair.openAt(host, options.inPort + 2 * k), (ports) =>
      BridgeInput.make(setting, { stream, ports, receiverSsrc })
    )
  )
  const open = new Map<number, Open>()
  /** SSRCs of everybody who is there. */
  const present = new Map<string, ReadonlyArray<number>>()
  const ended: Array<BridgeOutput.OutputStatistics> = []
  let packetsUnplayed = 0

  const portsOf = Effect.fnUntraced(function* (slot: number) {
    const known = playerPorts[slot]
    if (known !== undefined) return known
    const rtpPort = options.outPort + 2 * slot
    const ports =
      options.outPort === 0
        ? // Closed at once: it is for the player.
          yield* openFree.pipe(Effect.map(LocalPortPair.portNumbers), Effect.scoped)
        : { rtpPort, rtcpPort: rtpPort + 1 }
    playerPorts[slot] = ports
    return ports
  })

  const heed = (packets: ReadonlyArray<RtcpPacket>) =>
    Effect.forEach(Array.from(open.values()), ({ output }) => BridgeOutput.handleRtcp(output, setting, packets), {
      discard: true
    })

  const begin = Effect.fnUntraced(function* (first: ReceivedRtp, slot: number) {
    const { bytes, participant, stream } = first
    const payloadType = RtpHeader.payloadTypeAt(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0)
    const player = yield* portsOf(slot)
    const sdpPath = yield* writeDescription(options, {
      ...player,
      participant,
      host,
      ssrc: stream.ssrc,
      kind: stream.kind,
      codec: stream.codec,
      clockRate: stream.clockRate,
      payloadType,
      srtpKey: options.srtpKey
    })
    const outputScope = yield* Scope.fork(scope)
    const ports = yield* Scope.provide(openFree, outputScope)
    const output = BridgeOutput.make({ first, payloadType, player, ports })
    yield* Effect.forkIn(BridgeOutput.run(output, setting, heed), outputScope)
    open.set(stream.ssrc, { output, scope: outputScope })
    // Its sender may have left meanwhile, and nothing more is heard of that.
    followSender(output)
    yield* options.onEvent({ _tag: "StreamStarted", output, sdpPath })
    return output
  }, Effect.provide(services))

  const end = Effect.fnUntraced(function* ({ output, scope }: Open) {
    open.delete(output.stream.ssrc)
    PlayerSlots.release(slots, output.stream.ssrc)
    ended.push(BridgeOutput.statistics(output))
    if (ended.length > endedMax) ended.shift()
    yield* BridgeOutput.leave(output, setting)
    yield* Scope.close(scope, Exit.void)
    yield* options.onEvent({ _tag: "StreamEnded", output })
  })

  /** Lets the output go with its sender, and stay with it. */
  const followSender = (output: BridgeOutput.BridgeOutput): void => {
    const stays = present.get(output.participant)?.includes(output.stream.ssrc) ?? false
    output.endsAtMs = stays ? Infinity : Math.min(output.endsAtMs, setting.nowMs() + lastWordsMs)
  }

  /** Where packets of this stream go. */
  const outputOf = (first: ReceivedRtp) => {
    const { ssrc } = first.stream
    const known = open.get(ssrc)
    if (known !== undefined) return Effect.succeed(known.output)
    const slot = PlayerSlots.take(slots, ssrc)
    return slot === undefined ? Effect.undefined : begin(first, slot)
  }

  const carry = Stream.runForEachArray(client.packets, (packets) =>
    Effect.forEach(
      bySsrc(packets),
      Effect.fnUntraced(function* (packets) {
        const output = yield* outputOf(packets[0])
        const bytes = packets.map(({ bytes }) => bytes)
        if (output === undefined) packetsUnplayed += packets.length
        else yield* BridgeOutput.send(output, setting, bytes)
      }),
      { discard: true }
    )
  )

  const carryRtcp = Stream.runForEach(client.rtcp, ({ bytes, stream }) => {
    const output = open.get(stream.ssrc)?.output
    return output === undefined ? Effect.void : BridgeOutput.handleEndToEndRtcp(output, setting, bytes)
  })

  const followRoster = Stream.runForEach(client.roster, (event) =>
    Effect.sync(() => {
      const { participant } = event
      if (event._tag === "Left") present.delete(participant)
      else {
        present.set(
          participant,
          event.streams.map(({ ssrc }) => ssrc)
        )
      }
      for (const { output } of open.values()) if (output.participant === participant) followSender(output)
    })
  )

  const passKeyFrameRequests = Stream.runForEach(client.keyFrameRequests, (ssrc) => {
    const input = inputs.find(({ stream }) => stream.ssrc === ssrc)
    return input === undefined ? Effect.void : BridgeInput.requestKeyFrame(input, setting)
  })

  const poll = Effect.gen(function* () {
    for (const input of inputs) yield* BridgeInput.poll(input, setting)
    for (const entry of open.values()) {
      if (setting.nowMs() >= entry.output.endsAtMs) yield* end(entry)
      else yield* BridgeOutput.poll(entry.output, setting)
    }
  })

  const watch = Stream.runForEach(client.connection, (event) =>
    event._tag === "Ended" ? Effect.fail(new CallLost({ message: `the call was lost: ${event.reason}` })) : Effect.void
  )

  const run = Effect.all(
    [
      watch,
      carry,
      carryRtcp,
      followRoster,
      passKeyFrameRequests,
      Effect.forever(Effect.andThen(poll, Effect.sleep(tickMs))),
      ...inputs.map((input) =>
        BridgeInput.run(input, setting, {
          onOtherSsrc: (ssrc) => options.onEvent({ _tag: "OtherSsrc", input, ssrc }),
          onRtcp: heed
        })
      )
    ],
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.andThen(Effect.never))

  return {
    inputs,
    statistics: () => ({
      inputs: inputs.map(BridgeInput.statistics),
      outputs: [...ended, ...Array.from(open.values(), ({ output }) => BridgeOutput.statistics(output))],
      packetsUnplayed
    }),
    run
  }
})

/** Only for who has started the bridge: it may hold the key of SRTP. */
const descriptionMode = 0o600

/** Writes the session description of one stream; its path. */
const writeDescription = Effect.fnUntraced(function* (
  { sdpDirectory }: Options,
  description: SessionDescription.Description
) {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const participant = description.participant.replace(/[^\p{L}\p{N}._-]/gu, "_")
  const sdpPath = path.join(sdpDirectory, `${participant}-${description.ssrc}.sdp`)
  yield* fileSystem.makeDirectory(sdpDirectory, { recursive: true })
  yield* fileSystem.writeFileString(sdpPath, SessionDescription.format(description), { mode: descriptionMode })
  return sdpPath
})

type Group = [ReceivedRtp, ...Array<ReceivedRtp>]

/** The packets of each stream, in their order. */
const bySsrc = (packets: ReadonlyArray<ReceivedRtp>): ReadonlyArray<Group> => {
  const groups = new Map<number, Group>()
  for (const packet of packets) {
    const group = groups.get(packet.stream.ssrc)
    if (group === undefined) groups.set(packet.stream.ssrc, [packet])
    else group.push(packet)
  }
  return [...groups.values()]
}

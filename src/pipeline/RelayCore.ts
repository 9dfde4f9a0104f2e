import { Clock, Context, Effect, Layer } from "effect"
import type { KeyRing } from "../access/KeyRing.ts"
import * as PacketRings from "../media/PacketRings.ts"
import * as Feedback from "../protocol/Feedback.ts"
import type { RelayId } from "../protocol/Ids.ts"
import { relaysMax } from "../protocol/MessageKinds.ts"
import * as DatagramNetwork from "../sockets/DatagramNetwork.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as PacketMemory from "../sockets/PacketMemory.ts"
import * as CallTable from "./CallTable.ts"
import * as ControlCounters from "./ControlCounters.ts"
import * as Forwarding from "./Forwarding.ts"

export interface RelayOptions {
  readonly relayId: RelayId
  /** An IP address to bind: "0.0.0.0", "::", "127.0.0.1". */
  readonly host: string
  /** UDP; 0 takes a free one. */
  readonly port: number
  readonly keyRing: KeyRing
  /** Where devices may resume when this relay stops: "203.0.113.8:3478", the best first. */
  readonly otherRelays: ReadonlyArray<string>
  /** The packet rings. Memory is used as far as the traffic needs it. Bytes. */
  readonly audioRingBytes: number
  readonly videoRingBytes: number
  /** False: ask for nothing and send nothing again, to measure what repair is worth. */
  readonly repair: boolean
}

/** Datagrams that one pull takes in. */
const receiveSlots = 64
/** Half is for what is sent for the first time, 64 packets to 49 others at most; resends may fill the other half. */
const sendCapacity = 8192
/** Feedback and control messages of one batch. Bytes. */
const scratchBytes = 256 * 1024

/** The open port and the tables behind it: what all parts of the pipeline share. */
export class RelayCore extends Context.Service<
  RelayCore,
  {
    readonly options: RelayOptions
    readonly port: DatagramNetwork.DatagramPort
    readonly forwarding: Forwarding.Forwarding
    readonly calls: CallTable.CallTable
    readonly controlCounters: ControlCounters.ControlCounters
    /** A send batch for one fiber of the pipeline: nobody else may fill it while it is being sent. */
    readonly batches: {
      readonly media: PacketBatch.SendBatch
      readonly timers: PacketBatch.SendBatch
      readonly control: PacketBatch.SendBatch
    }
    /** Monotonic time for everything but tokens. Milliseconds. */
    readonly nowMs: () => number
  }
>()("tandem/pipeline/RelayCore") {}

/** Opens the port. */
export const layer = (
  options: RelayOptions
): Layer.Layer<RelayCore, DatagramNetwork.PortNotOpened, DatagramNetwork.DatagramNetwork> =>
  Layer.effect(
    RelayCore,
    Effect.gen(function* () {
      if (options.otherRelays.length > relaysMax) {
        return yield* Effect.die(new RangeError(`a relay names at most ${relaysMax} others`))
      }
      const network = yield* DatagramNetwork.DatagramNetwork
      const clock = yield* Clock.Clock
      const nowMs = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
      const ringBytes = options.audioRingBytes + options.videoRingBytes
      const memory = PacketMemory.make({
        receiveSlots,
        receiveBytes: receiveSlots * PacketMemory.coalescedSlotBytes,
        ownerBytes: 3 * scratchBytes + ringBytes
      })
      const batch = (index: number) =>
        PacketBatch.makeSendBatch({
          capacity: sendCapacity,
          scratchOffset: memory.ownerOffset + index * scratchBytes,
          scratchBytes
        })
      const rings = PacketRings.make(memory, memory.ownerOffset + 3 * scratchBytes, {
        audioBytes: options.audioRingBytes,
        videoBytes: options.videoRingBytes
      })
      const port = yield* network.open({ host: options.host, port: options.port, memory })
      return RelayCore.of({
        options,
        port,
        forwarding: Forwarding.make({ rings, report: Feedback.make() }, receiveSlots, nowMs()),
        calls: CallTable.make(),
        controlCounters: ControlCounters.make(),
        batches: { media: batch(0), timers: batch(1), control: batch(2) },
        nowMs
      })
    })
  )

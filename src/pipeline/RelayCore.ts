import { Clock, Context, Effect, Latch, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import type { KeyRing } from "../access/KeyRing.ts"
import * as Leg from "../media/Leg.ts"
import * as PacketRings from "../media/PacketRings.ts"
import type { RelayId } from "../protocol/Ids.ts"
import * as DatagramNetwork from "../sockets/DatagramNetwork.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as PacketMemory from "../sockets/PacketMemory.ts"
import type * as CallRoutes from "./CallRoutes.ts"
import * as CallTable from "./CallTable.ts"
import * as ControlCounters from "./ControlCounters.ts"
import * as Forwarding from "./Forwarding.ts"
import * as QueueWait from "./QueueWait.ts"
import * as RelayRelief from "./RelayRelief.ts"
import * as TrunkTable from "./TrunkTable.ts"

export interface RelayOptions {
  readonly relayId: RelayId
  /** An IP address to bind: "0.0.0.0", "::", "127.0.0.1". */
  readonly host: string
  /** UDP; 0 takes a free one. */
  readonly port: number
  readonly keyRing: KeyRing
  /** Where devices and other relays reach it, if that is not where it is bound: "203.0.113.7:3478". */
  readonly advertised: string | undefined
  /** The packet rings. Memory is used as far as the traffic needs it. Bytes. */
  readonly audioRingBytes: number
  readonly videoRingBytes: number
  /** How long a relay that stops waits for its devices to go elsewhere. Milliseconds. */
  readonly drainTimeoutMs: number
  /** False: ask for nothing and send nothing again, to measure what repair is worth. */
  readonly repair: boolean
  /** What the path to a device is assumed to carry before that is known. Bits a second; `undefined`: 300,000. */
  readonly startBps?: number | undefined
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
    /** The trunks to other relays, and what the plans make of all legs. */
    readonly routing: CallRoutes.Routing
    /** Where devices and other relays reach this one. */
    readonly place: string
    /** Tells this life of the relay from others: a random number. 32 bits. */
    readonly incarnation: number
    readonly controlCounters: ControlCounters.ControlCounters
    /** A send batch for one fiber of the pipeline: nobody else may fill it while it is being sent. */
    readonly batches: {
      readonly media: PacketBatch.SendBatch
      readonly timers: PacketBatch.SendBatch
      readonly control: PacketBatch.SendBatch
    }
    /** How long its packets wait. */
    readonly queueWait: QueueWait.QueueWait
    /** How busy it is, and what is withheld for that. */
    readonly relief: RelayRelief.RelayRelief
    /** Open as soon as all parts run. */
    readonly started: Latch.Latch
    /** Open from the moment on in which nobody is taken any more. */
    readonly draining: Latch.Latch
    /** Why the relay is of no use any more and has to be started again; no reason: it works. Raised with the reason. */
    readonly fault: { reason: string | undefined; readonly raised: Latch.Latch }
    /** Monotonic time for everything but tokens. Milliseconds. */
    readonly nowMs: () => number
  }
>()("tandem/pipeline/RelayCore") {}

/** Opens the port. */
export const layer = (
  options: RelayOptions
): Layer.Layer<RelayCore, DatagramNetwork.PortNotOpened, DatagramNetwork.DatagramNetwork | SecureRandom.SecureRandom> =>
  Layer.effect(
    RelayCore,
    Effect.gen(function* () {
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
      const forwarding = Forwarding.make(Leg.makeResources(rings), receiveSlots, nowMs())
      const random = yield* (yield* SecureRandom.SecureRandom).randomBytes(4)
      const incarnation = new DataView(random.buffer, random.byteOffset).getUint32(0)
      return RelayCore.of({
        options,
        port,
        forwarding,
        routing: { relayId: options.relayId, forwarding, trunks: TrunkTable.make(incarnation), lingering: [] },
        place: options.advertised ?? placeOf(port.address),
        incarnation,
        started: yield* Latch.make(),
        draining: yield* Latch.make(),
        fault: { reason: undefined, raised: yield* Latch.make() },
        calls: CallTable.make(),
        relief: RelayRelief.make(),
        controlCounters: ControlCounters.make(),
        queueWait: QueueWait.make(),
        batches: { media: batch(0), timers: batch(1), control: batch(2) },
        nowMs
      })
    })
  )

/** Who is bound to every address of the machine can at least be reached from the machine. */
const placeOf = (bound: Uint32Array): string => {
  const host = PackedAddress.formatHost(bound)
  if (host === "0.0.0.0") return `127.0.0.1:${bound[0]}`
  return host === "::" ? `[::1]:${bound[0]}` : PackedAddress.format(bound)
}

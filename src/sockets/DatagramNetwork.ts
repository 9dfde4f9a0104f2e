import { Context, Effect, Schema, type Scope, Stream } from "effect"
import type { PacketBatch, SendBatch } from "./PacketBatch.ts"
import type { PacketMemory } from "./PacketMemory.ts"

/** The port could not be opened. `message` says why and what to do. */
export class PortNotOpened extends Schema.TaggedError<PortNotOpened>()("PortNotOpened", {
  message: Schema.String
}) {}

/** Why a port could not be opened, and for the rest the system's own words. */
export type OpenFailure = "AddressInUse" | "AddressNotAvailable" | "PermissionDenied" | { readonly detail: string }

export const portNotOpened = (
  { host, port }: { readonly host: string; readonly port: number },
  failure: OpenFailure
): PortNotOpened => {
  const where = `UDP port ${port} on ${host}`
  switch (failure) {
    case "AddressInUse":
      return new PortNotOpened({
        message: `${where} is in use: stop the program that has it, or choose another port (0 takes a free one)`
      })
    case "AddressNotAvailable":
      return new PortNotOpened({
        message: `${where} cannot be opened, ${host} is no address of this machine: use one, or 0.0.0.0 for all of them`
      })
    case "PermissionDenied":
      return new PortNotOpened({
        message: `${where} needs more rights: choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE`
      })
    default:
      return new PortNotOpened({ message: `${where} cannot be opened: ${failure.detail}` })
  }
}

/** The port has been closed under its reader. */
export class PortClosed extends Schema.TaggedError<PortClosed>()("PortClosed", {}) {}

/** Counted by the port's owner fiber only; read by metrics. Packets unless said otherwise. */
export interface PortCounters {
  received: number
  receivedBytes: number
  receivedBatches: number
  sent: number
  sentBytes: number
  sentBatches: number
  /** Longer than `datagramBytesMax`. */
  droppedOversized: number
  /** Arrived faster than they were pulled. */
  droppedReceiveBufferFull: number
  /** The system refused to send them. */
  droppedSendFailed: number
  /** Lost on purpose before they were sent: see DatagramNetworkConditioned. */
  droppedByImpairment: number
}

export const makePortCounters = (): PortCounters => ({
  received: 0,
  receivedBytes: 0,
  receivedBatches: 0,
  sent: 0,
  sentBytes: 0,
  sentBatches: 0,
  droppedOversized: 0,
  droppedReceiveBufferFull: 0,
  droppedSendFailed: 0,
  droppedByImpairment: 0
})

/** One open UDP port. */
export interface DatagramPort {
  /** Where it is bound: a packed address (PackedAddress.ts). */
  readonly address: Uint32Array
  /** How datagrams travel through it, for people: "batched system calls, segmentation offload". */
  readonly description: string
  /** What the system has not granted and how to get it, a line each. The port works without. */
  readonly shortcomings: ReadonlyArray<string>
  /** Waits until datagrams have arrived and returns them all, up to the receive slots. The batch is reused by the next pull. */
  readonly pull: Effect.Effect<PacketBatch, PortClosed>
  /** Sends the batch and resets it. A packet that cannot be sent is counted, never an error: UDP may lose. */
  readonly send: (batch: SendBatch) => Effect.Effect<void>
  readonly counters: PortCounters
}

export interface OpenOptions {
  /** An IP address to bind, "0.0.0.0" for all of IPv4, "::" for both families. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly memory: PacketMemory
}

/** Datagrams in and out, in batches. The bytes are opaque here. */
export class DatagramNetwork extends Context.Service<
  DatagramNetwork,
  {
    readonly open: (options: OpenOptions) => Effect.Effect<DatagramPort, PortNotOpened, Scope.Scope>
  }
>()("tandem/sockets/DatagramNetwork") {}

/** The port as a stream whose element is a batch. Each batch is valid until the next is pulled. */
export const batches = (port: DatagramPort): Stream.Stream<PacketBatch, PortClosed> =>
  Stream.fromPull(Effect.succeed(Effect.map(port.pull, (batch) => [batch] as const)))

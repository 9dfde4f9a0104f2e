import { Effect, Stream } from "effect"
import * as Leg from "../../media/Leg.ts"
import * as HopFrame from "../../protocol/HopFrame.ts"
import * as Stun from "../../protocol/Stun.ts"
import * as DatagramNetwork from "../../sockets/DatagramNetwork.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"
import type { PacketBatch } from "../../sockets/PacketBatch.ts"
import type { ReceivedPacket } from "../streams/ReceivedPacket.ts"
import * as ReceivingStreams from "../streams/ReceivingStreams.ts"
import * as CallCore from "./CallCore.ts"
import * as ControlInbound from "./ControlInbound.ts"
import type { DevicePort } from "./DevicePort.ts"
import * as MediaInbound from "./MediaInbound.ts"

/**
 * Takes in what a port receives, for as long as the port is open: one clock read, one plain function and one send for
 * each batch.
 */
export const run = (
  core: CallCore.CallCore,
  device: DevicePort,
  port: DatagramNetwork.DatagramPort
): Effect.Effect<void> =>
  DatagramNetwork.batches(port).pipe(
    Stream.runForEachArray(([batch]) => {
      if (core.hasEnded) return Effect.void
      handleBatch(core, device, batch, core.nowMs())
      const { received } = device.batches
      return received.count > 0 ? port.send(received) : Effect.void
    }),
    // The port is closed by whoever opens the next.
    Effect.ignore
  )

const handleBatch = (core: CallCore.CallCore, device: DevicePort, batch: PacketBatch, nowMs: number): void => {
  const { memory } = device.resources.rings
  const out = device.batches.received
  for (let i = 0; i < batch.count; i++) {
    const offset = batch.offsets[i]!
    const length = batch.lengths[i]!
    const first = length === 0 ? HopFrame.firstByteMin - 1 : memory.bytes[offset]!
    if (first >= HopFrame.firstByteMin) MediaInbound.handle(core, device.resources, batch, i, nowMs, out)
    else if (Stun.isControl(first)) {
      const bytes = memory.bytes.subarray(offset, offset + length)
      const source = PackedAddress.take(batch.addresses, i)
      ControlInbound.handle(core, { bytes, source }, memory, nowMs, out)
    } else core.drops.notOurs++
  }
  // A gap is asked about at once: a tick of the timers is a tenth of the time there is.
  const newest = core.sessions[0]
  if (newest !== undefined && !core.isLeaving) Leg.poll(newest.hop, device.resources, nowMs, out)
  const ready: Array<ReceivedPacket> = []
  ReceivingStreams.poll(core.receiving, nowMs, ready)
  CallCore.deliver(core, ready)
}

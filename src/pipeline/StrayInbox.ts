import { Context, Effect, Layer, Queue } from "effect"
import * as HopFrame from "../protocol/HopFrame.ts"
import * as Stun from "../protocol/Stun.ts"
import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import { type ControlDatagram, ControlInbox } from "./ControlInbox.ts"
import * as Forwarding from "./Forwarding.ts"
import * as Handover from "./Handover.ts"
import * as LegTable from "./LegTable.ts"
import { RelayCore } from "./RelayCore.ts"
import type { RelayLeg } from "./RelayLeg.ts"
import * as StrayTable from "./StrayTable.ts"
import * as TrunkTable from "./TrunkTable.ts"

/** Legs that wait to be asked for. */
const asksWaitingMax = 256
/** A relay that frames are handed over to is asked for a sign of life after so long without one. Milliseconds. */
const signAfterMs = 50
/** After so long it may be dead: the leg is asked for anew, before its device has become suspicious. Milliseconds. */
const silentAfterMs = 120
/** Of a batch's scratch, for what has waited; the rest comes with the next batch. */
const scratchShare = 0.5

/** Where the data plane and the control plane put datagrams of legs that are not here. */
export class StrayInbox extends Context.Service<
  StrayInbox,
  {
    /** The next that is to be asked for. */
    readonly asked: Queue.Dequeue<StrayTable.Stray>
    readonly table: StrayTable.StrayTable
    /** The frames of the batch that the packet path has set aside. */
    readonly handleBatch: (batch: PacketBatch.PacketBatch, nowMs: number, out: PacketBatch.SendBatch) => void
    /** A message that names a session which is not here. */
    readonly handleMessage: (datagram: ControlDatagram, legTag: number) => void
    /** It is known where the leg is, here or elsewhere: what was kept goes there with the next batch. */
    readonly release: (stray: StrayTable.Stray) => void
    readonly sendReleased: (nowMs: number, out: PacketBatch.SendBatch) => void
  }
>()("tandem/pipeline/StrayInbox") {
  static readonly layer: Layer.Layer<StrayInbox, never, RelayCore | ControlInbox> = Layer.effect(
    StrayInbox,
    Effect.gen(function* () {
      const { controlCounters, forwarding, nowMs, routing } = yield* RelayCore
      const inbox = yield* ControlInbox
      const asked = yield* Queue.dropping<StrayTable.Stray>(asksWaitingMax)
      const table = StrayTable.make(nowMs())
      const { memory } = forwarding.resources.rings
      const { counters } = forwarding
      const released: Array<StrayTable.Stray> = []

      const ask = (from: Parameters<typeof StrayTable.ask>[1], datagram: () => Uint8Array, nowMs: number): void => {
        const stray = StrayTable.ask(table, from, nowMs)
        if (stray === undefined) return
        StrayTable.keep(stray, datagram())
        if (Queue.offerUnsafe(asked, stray)) controlCounters.lookedUp++
        else StrayTable.forget(table, stray)
      }

      /** Whether the other relay is there, as far as is known; it is asked when that is a while ago. */
      const isThere = (trunk: TrunkTable.Trunk, nowMs: number): boolean => {
        const silentMs = nowMs - TrunkTable.lastHeardAtMs(trunk)
        trunk.unusedSinceMs = nowMs
        if (silentMs >= signAfterMs) TrunkTable.ask(routing.trunks, trunk, nowMs)
        return silentMs < silentAfterMs && trunk.open !== undefined
      }

      const handOver = (
        { open }: TrunkTable.Trunk,
        addresses: Uint32Array,
        index: number,
        datagram: Uint8Array,
        nowMs: number,
        out: PacketBatch.SendBatch
      ): void => {
        if (open === undefined) return
        if (Handover.write(open.leg, memory, addresses, index, datagram, nowMs, out)) counters.handoversOut++
      }

      const handleFrame = (
        batch: PacketBatch.PacketBatch,
        index: number,
        nowMs: number,
        out: PacketBatch.SendBatch
      ) => {
        const { addresses } = batch
        const offset = batch.offsets[index]!
        const end = offset + batch.lengths[index]!
        const isHandedOver = forwarding.handedOver[index] === 1
        const legTag = HopFrame.legTagAt(memory.view, offset)
        const stray = StrayTable.find(table, addresses, index, legTag, nowMs)
        if (stray?.state._tag === "Refused") return
        if (stray?.state._tag === "Asked") return StrayTable.keep(stray, memory.bytes.slice(offset, end))
        if (stray?.state._tag === "Elsewhere" && !isHandedOver && isThere(stray.state.trunk, nowMs)) {
          return handOver(stray.state.trunk, addresses, index, memory.bytes.subarray(offset, end), nowMs, out)
        }
        const epoch = HopFrame.epochAt(memory.bytes, offset)
        const address = PackedAddress.take(addresses, index)
        ask({ address, legTag, epoch, isHandedOver }, () => memory.bytes.slice(offset, end), nowMs)
      }

      const release = (stray: StrayTable.Stray): void => {
        if (stray.kept.length > 0 && !released.includes(stray)) released.push(stray)
      }

      /** The next batch may be long in coming, where nothing is said but pings. */
      const releaseHere = ({ address, kept }: StrayTable.Stray): void => {
        for (const bytes of kept) {
          if (Stun.isControl(bytes[0]!)) Queue.offerUnsafe(inbox, { bytes, address })
        }
      }

      const takeHere = (leg: RelayLeg, bytes: Uint8Array, nowMs: number, out: PacketBatch.SendBatch): void => {
        const offset = Stun.isControl(bytes[0]!) ? -1 : PacketBatch.reserve(out, bytes.length)
        if (offset < 0) return
        memory.bytes.set(bytes, offset)
        Forwarding.handleFrame(forwarding, leg, offset, bytes.length, nowMs, out)
      }

      const sendKept = (
        { address, kept, legTag, state }: StrayTable.Stray,
        nowMs: number,
        out: PacketBatch.SendBatch
      ) => {
        const leg = LegTable.get(forwarding.legs, legTag)
        for (const bytes of kept.splice(0)) {
          if (leg !== undefined) takeHere(leg, bytes, nowMs, out)
          else if (state._tag === "Elsewhere") handOver(state.trunk, address, 0, bytes, nowMs, out)
        }
      }

      return StrayInbox.of({
        asked,
        table,
        handleBatch: (batch, nowMs, out) => {
          for (let i = 0; i < forwarding.strayCount; i++) handleFrame(batch, forwarding.strays[i]!, nowMs, out)
        },
        handleMessage: ({ address, bytes, isHandedOver = false }, legTag) => {
          const stray = StrayTable.find(table, address, 0, legTag, nowMs())
          if (stray === undefined) return ask({ address, legTag, epoch: undefined, isHandedOver }, () => bytes, nowMs())
          if (stray.state._tag === "Refused" || isHandedOver) return
          StrayTable.keep(stray, bytes)
          if (stray.state._tag === "Elsewhere") release(stray)
        },
        release: (stray) => {
          if (stray.state._tag !== "Elsewhere") releaseHere(stray)
          release(stray)
        },
        sendReleased: (nowMs, out) => {
          while (released.length > 0 && out.scratchUsed < out.scratchBytes * scratchShare) {
            sendKept(released.shift()!, nowMs, out)
          }
        }
      })
    })
  )
}

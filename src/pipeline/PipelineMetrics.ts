import { Context, Effect, Layer, Metric } from "effect"
import { controlOutcomes } from "./ControlCounters.ts"
import * as RepairWork from "../media/fec/RepairWork.ts"
import { dropReasons } from "./PacketCounters.ts"
import { RelayCore } from "./RelayCore.ts"
import * as TrunkTable from "./TrunkTable.ts"

/** The packet path counts in plain numbers. This brings the metrics up to them, when somebody looks. */
export class PipelineMetrics extends Context.Service<PipelineMetrics, { readonly publish: Effect.Effect<void> }>()(
  "tandem/pipeline/PipelineMetrics"
) {
  static readonly layer: Layer.Layer<PipelineMetrics, never, RelayCore> = Layer.effect(
    PipelineMetrics,
    Effect.gen(function* () {
      const { batches, calls, controlCounters, forwarding, port, routing } = yield* RelayCore
      const context = yield* Effect.context<never>()
      const { counters, resources } = forwarding

      const publishers: Array<() => void> = []
      const counter = (
        name: string,
        description: string,
        read: () => number,
        attributes: Record<string, string> = {}
      ) => {
        const metric = Metric.withAttributes(Metric.counter(name, { description, incremental: true }), attributes)
        let published = 0
        publishers.push(() => {
          const value = read()
          metric.updateUnsafe(value - published, context)
          published = value
        })
      }
      const gauge = (name: string, description: string, read: () => number) => {
        const metric = Metric.gauge(name, { description })
        publishers.push(() => metric.updateUnsafe(read(), context))
      }

      counter("tandem_datagrams_received_total", "Datagrams from the network", () => port.counters.received)
      counter("tandem_received_bytes_total", "Bytes from the network", () => port.counters.receivedBytes)
      counter("tandem_receive_batches_total", "Receives that took in at least one", () => port.counters.receivedBatches)
      counter("tandem_datagrams_sent_total", "Datagrams to the network", () => port.counters.sent)
      counter("tandem_sent_bytes_total", "Bytes to the network", () => port.counters.sentBytes)
      counter("tandem_send_batches_total", "Sends of at least one", () => port.counters.sentBatches)
      counter("tandem_media_packets_in_total", "Media packets taken in, each once", () => counters.mediaIn)
      counter("tandem_media_bytes_in_total", "Their bytes, without hop headers", () => counters.mediaInBytes)
      counter("tandem_media_packets_out_total", "Media packets sent for the first time", () => counters.mediaOut)
      counter("tandem_repaired_in_total", "Lost on the way here, brought by a resend", () => counters.repairedIn)
      counter(
        "tandem_recovered_in_total",
        "Lost on the way here, given back by repair packets",
        () => counters.recoveredIn
      )
      counter("tandem_repairs_in_total", "Repair packets taken in", () => counters.repairsIn)
      counter("tandem_repairs_out_total", "Repair packets sent", () => counters.repairsOut)
      for (const reason of RepairWork.undoneReasons) {
        const read = () => resources.repairWork.undone[reason]
        counter("tandem_repairs_undone_total", "Repair packets or blocks of which nothing came", read, { reason })
      }
      counter("tandem_resends_total", "Sent again because a receiver asked", () => counters.resent)
      counter(
        "tandem_resends_refused_total",
        "Asked for too early, too late or not there",
        () => counters.resendsRefused
      )
      counter("tandem_withheld_total", "Video given up that a path had no room for", () => counters.withheld)
      counter(
        "tandem_layer_dropped_total",
        "Packets of discardable frames that a path had no room for",
        () => counters.layerDropped
      )
      counter("tandem_feedback_in_total", "Feedback frames taken in", () => counters.feedbackIn)
      counter("tandem_handovers_in_total", "Datagrams of devices from other relays", () => counters.handoversIn)
      counter("tandem_handovers_out_total", "Datagrams of devices to other relays", () => counters.handoversOut)
      for (const reason of dropReasons) {
        counter("tandem_dropped_total", "Datagrams dropped", () => counters.dropped[reason], { reason })
      }
      const portDrops = {
        oversized: () => port.counters.droppedOversized,
        receiveBufferFull: () => port.counters.droppedReceiveBufferFull,
        sendFailed: () => port.counters.droppedSendFailed,
        impairment: () => port.counters.droppedByImpairment,
        sendBatchFull: () => batches.media.overflowed + batches.timers.overflowed + batches.control.overflowed
      }
      for (const [reason, read] of Object.entries(portDrops)) {
        counter("tandem_dropped_total", "Datagrams dropped", read, { reason })
      }
      for (const outcome of controlOutcomes) {
        counter("tandem_control_total", "Control datagrams", () => controlCounters[outcome], { outcome })
      }
      gauge(
        "tandem_legs",
        "Legs of participants on this relay, with those that they have just left",
        () => calls.sessionsByTag.size + routing.lingering.filter(({ leg }) => leg.carrier === undefined).length
      )
      gauge("tandem_trunks", "Open trunks to other relays", () => TrunkTable.openCount(routing.trunks))
      gauge("tandem_calls", "Calls with participants on this relay", () => calls.calls.size)

      return PipelineMetrics.of({ publish: Effect.sync(() => publishers.forEach((publish) => publish())) })
    })
  )
}

import { Effect, Layer, Option } from "effect"
import { ShardingConfig } from "effect/cluster"
import { type CallReport, CallReports, type SignedReport } from "../actor/CallReports.ts"
import * as CallStarts from "../actor/CallStarts.ts"
import type { ResidentCalls } from "../actor/ResidentCalls.ts"
import type { RelayId } from "../protocol/Ids.ts"
import { NodeChannel } from "./NodeChannel.ts"
import * as PeerOutboxes from "./PeerOutboxes.ts"
import * as RunnerAddressText from "./RunnerAddressText.ts"
import { ShardHolders } from "./ShardHolders.ts"

/** A report has some hundred bytes. */
const batchMax = 1000

/** Reports travel by the node, a message for each, past the cluster's routing. */
export const layer = Layer.effect(
  CallReports,
  Effect.gen(function* () {
    const holders = yield* ShardHolders
    const channel = yield* NodeChannel
    const context = yield* Effect.context<ResidentCalls | CallStarts.CallStarts>()
    const { runnerAddress } = yield* ShardingConfig.ShardingConfig
    const self = Option.match(runnerAddress, { onNone: () => "", onSome: RunnerAddressText.format })

    const outboxes = yield* PeerOutboxes.make<SignedReport>({
      merge: (_before, after) => after,
      send: channel.reports,
      // The next report says more.
      mayRetry: () => false,
      batchMax
    })

    const send = Effect.fnUntraced(function* (relay: RelayId, reports: ReadonlyArray<CallReport>) {
      const here: Array<SignedReport> = []
      for (const report of reports) {
        const holder = holders.ofCall(report.call)
        // Nobody: another node will, and the next report comes to it.
        if (holder === undefined) continue
        if (RunnerAddressText.format(holder) === self) here.push({ relay, report })
        else yield* outboxes.put(holder, `${relay} ${report.call}`, { relay, report })
      }
      yield* CallStarts.deliverAll(here)
    })

    return CallReports.of({ send: (relay, reports) => Effect.provideContext(send(relay, reports), context) })
  })
)

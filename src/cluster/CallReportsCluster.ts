import { Effect, Layer, Option } from "effect"
import { ShardingConfig } from "effect/cluster"
import { type CallReport, CallReports } from "../actor/CallReports.ts"
import * as CallStarts from "../actor/CallStarts.ts"
import type { ResidentCalls } from "../actor/ResidentCalls.ts"
import type { RelayId } from "../protocol/Ids.ts"
import { NodeChannel } from "./NodeChannel.ts"
import type { SignedReport } from "./NodeRpcs.ts"
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

    const send = (relay: RelayId, report: CallReport) => {
      const holder = holders.ofCall(report.call)
      // Nobody: another node will, and the next report comes to it.
      if (holder === undefined) return Effect.void
      return RunnerAddressText.format(holder) === self
        ? CallStarts.deliver(relay, report)
        : outboxes.put(holder, `${relay} ${report.call}`, { relay, report })
    }

    return CallReports.of({
      send: (relay, reports) =>
        Effect.provideContext(
          Effect.forEach(reports, (report) => send(relay, report), { discard: true }),
          context
        )
    })
  })
)

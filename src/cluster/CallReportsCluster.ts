import { Effect, Layer, Option } from "effect"
import { ShardingConfig } from "effect/cluster"
import { type CallReport, CallReports } from "../actor/CallReports.ts"
import { Call } from "../actor/CallRpcs.ts"
import { ResidentCalls } from "../actor/ResidentCalls.ts"
import type { RelayId } from "../protocol/Ids.ts"
import { NodeChannel } from "./NodeChannel.ts"
import type { SignedReport } from "./NodeRpcs.ts"
import * as PeerOutboxes from "./PeerOutboxes.ts"
import * as RunnerAddressText from "./RunnerAddressText.ts"
import { ShardHolders } from "./ShardHolders.ts"

/** A report has some hundred bytes. */
const batchMax = 1000

/**
 * Reports travel by the node, a message for each, past the cluster's routing; those of calls that do not run there follow as
 * messages to the actor, which starts it.
 */
export const layer = Layer.effect(
  CallReports,
  Effect.gen(function* () {
    const residents = yield* ResidentCalls
    const holders = yield* ShardHolders
    const channel = yield* NodeChannel
    const callOf = yield* Call.client
    const scope = yield* Effect.scope
    const { runnerAddress } = yield* ShardingConfig.ShardingConfig
    const self = Option.match(runnerAddress, { onNone: () => "", onSome: RunnerAddressText.format })

    /** Starts it where it does not run, unless the call rests: there is nothing to start it for. */
    const sendToActor = (signed: SignedReport) => {
      const { call, isActive } = signed.report
      if (!isActive) return Effect.void
      return Effect.asVoid(Effect.forkIn(Effect.ignore(callOf(call).Report(signed, { discard: true })), scope))
    }

    const outboxes = yield* PeerOutboxes.make<SignedReport>({
      merge: (_before, after) => after,
      send: Effect.fnUntraced(function* (node, reports) {
        const absent = new Set(yield* channel.reports(node, reports))
        yield* Effect.forEach(
          reports.filter(({ report }) => absent.has(report.call)),
          sendToActor,
          { discard: true }
        )
      }),
      // The next report says more.
      mayRetry: () => false,
      batchMax
    })

    const send = Effect.fnUntraced(function* (relay: RelayId, report: CallReport) {
      const holder = holders.ofCall(report.call)
      const isElsewhere = holder !== undefined && RunnerAddressText.format(holder) !== self
      if (isElsewhere) return yield* outboxes.put(holder, `${relay} ${report.call}`, { relay, report })
      if (!(yield* residents.report(relay, report))) yield* sendToActor({ relay, report })
    })

    return CallReports.of({
      send: (relay, reports) => Effect.forEach(reports, (report) => send(relay, report), { discard: true })
    })
  })
)

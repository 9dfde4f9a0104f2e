import { Effect, Layer, ManagedRuntime, Scope, Stream } from "effect"
import type { CallId, ParticipantId } from "../protocol/Ids.ts"
import type { Wanted } from "../protocol/SubscriptionAttribute.ts"
import type { StreamAllocation } from "../protocol/VideoAttribute.ts"
import type { DatagramNetwork } from "../sockets/DatagramNetwork.ts"
import * as DatagramNetworkPortable from "../sockets/DatagramNetworkPortable.ts"
import * as CallClient from "./CallClient.ts"
import type { CallStatistics } from "./CallStatistics.ts"
import type { ConnectionEvent } from "./ConnectionEvent.ts"
import type { JoinOptions, LocalStream } from "./JoinOptions.ts"
import type { RosterEvent } from "./RosterEvent.ts"
import type { ReceivedPacket } from "./streams/ReceivedPacket.ts"
import type { OutgoingPacket } from "./streams/SendingStream.ts"

/** `CallClient` for applications without Effect: promises, and iterables for `for await`. */
export interface CallClientPromise {
  readonly call: CallId
  readonly participant: ParticipantId
  readonly streams: ReadonlyArray<LocalStream>
  readonly send: (stream: LocalStream, ...packets: ReadonlyArray<OutgoingPacket>) => Promise<void>
  readonly packets: AsyncIterable<ReceivedPacket>
  readonly roster: AsyncIterable<RosterEvent>
  readonly keyFrameRequests: AsyncIterable<number>
  readonly videoRate: AsyncIterable<number>
  readonly videoDirectives: AsyncIterable<ReadonlyArray<StreamAllocation>>
  readonly requestKeyFrame: (ssrc: number) => Promise<void>
  readonly subscribe: (wanted: Wanted) => Promise<void>
  readonly connection: AsyncIterable<ConnectionEvent>
  readonly statistics: () => Promise<CallStatistics>
  readonly networkChanged: () => Promise<void>
  /** Leaves the call and frees everything. */
  readonly close: () => Promise<void>
}

/** Rejects with the errors of `CallClient.join`. Whatever comes of it, only an open client holds anything. */
export const join = async (
  options: JoinOptions,
  network: Layer.Layer<DatagramNetwork> = DatagramNetworkPortable.layer
): Promise<CallClientPromise> => {
  const runtime = ManagedRuntime.make(Layer.merge(network, Layer.effect(Scope.Scope, Effect.scope)))
  try {
    const client = await runtime.runPromise(CallClient.join(options))
    return {
      call: client.call,
      participant: client.participant,
      streams: client.streams,
      send: (stream, ...packets) => runtime.runPromise(client.sendAll(stream, packets)),
      packets: Stream.toAsyncIterable(client.packets),
      roster: Stream.toAsyncIterable(client.roster),
      keyFrameRequests: Stream.toAsyncIterable(client.keyFrameRequests),
      videoDirectives: Stream.toAsyncIterable(client.videoDirectives),
      videoRate: Stream.toAsyncIterable(client.videoRate),
      requestKeyFrame: (ssrc) => runtime.runPromise(client.requestKeyFrame(ssrc)),
      subscribe: (wanted) => runtime.runPromise(client.subscribe(wanted)),
      connection: Stream.toAsyncIterable(client.connection),
      statistics: () => runtime.runPromise(client.statistics),
      networkChanged: () => runtime.runPromise(client.networkChanged),
      close: async () => {
        await runtime.runPromise(client.leave)
        await runtime.dispose()
      }
    }
  } catch (error) {
    await runtime.dispose()
    throw error
  }
}

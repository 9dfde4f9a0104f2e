import { Context, Effect, Layer, Queue } from "effect"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import { RelayCore } from "./RelayCore.ts"

interface OutgoingMessage {
  readonly bytes: Uint8Array
  /** Packed address. */
  readonly address: Uint32Array
}

/** Answers that wait to be sent. Beyond this they are dropped: who asked asks again. */
const messagesMax = 4096
/** One send takes at most this many. */
const batchMessagesMax = 128

/** Control messages on their way out: gathered into batches by one fiber, so that nobody waits for the network. */
export class ControlOutbox extends Context.Service<
  ControlOutbox,
  { readonly send: (bytes: Uint8Array, address: Uint32Array) => void }
>()("tandem/pipeline/ControlOutbox") {
  static readonly layer: Layer.Layer<ControlOutbox, never, RelayCore> = Layer.effect(
    ControlOutbox,
    Effect.gen(function* () {
      const { batches, controlCounters, forwarding, port } = yield* RelayCore
      const { memory } = forwarding.resources.rings
      const queue = yield* Queue.dropping<OutgoingMessage>(messagesMax)
      yield* Queue.takeBetween(queue, 1, batchMessagesMax).pipe(
        Effect.flatMap((messages) => {
          for (const { address, bytes } of messages) PacketBatch.addBytes(batches.control, memory, bytes, address, 0)
          return port.send(batches.control)
        }),
        Effect.forever,
        Effect.forkScoped
      )
      return ControlOutbox.of({
        send: (bytes, address) => {
          if (!Queue.offerUnsafe(queue, { bytes, address })) controlCounters.outboxFull++
        }
      })
    })
  )
}

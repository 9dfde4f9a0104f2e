import { Effect, Result } from "effect"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import * as PackedAddress from "../../../src/sockets/PackedAddress.ts"
import { addPacket, openEndpoint, send } from "../../suites/DatagramNetworkSuite.ts"

/** What somebody answers to one Binding request: nothing to be as good as dead. */
export interface Answer {
  /** Packed address. */
  readonly mapped?: Uint32Array
  /** Of an error instead. */
  readonly errorCode?: number
  /** The same again and again. */
  readonly copies?: number
  /** How long the request is held. Milliseconds. */
  readonly afterMs?: number
}

/**
 * A STUN server that says whatever the test wants: `answer` gets the source of the n-th request, from 0. To be opened in
 * front of the probe, on the same network.
 */
export const open = Effect.fnUntraced(function* (
  address: string,
  answer: (source: Uint32Array, n: number) => Answer = (source) => ({ mapped: source })
) {
  const [host, port] = splitAddress(address)
  const endpoint = yield* openEndpoint(host, port)
  const asked: Array<string> = []
  const reply = Effect.fnUntraced(function* (
    source: Uint32Array,
    transactionId: Uint8Array,
    { afterMs = 0, copies = 1, errorCode, mapped }: Answer
  ) {
    const message = messageOf(transactionId, mapped, errorCode)
    if (message === undefined) return
    yield* Effect.sleep(afterMs)
    const bytes = ControlMessage.encode(message)
    for (let copy = 0; copy < copies; copy++) addPacket(endpoint, source, [], bytes)
    yield* send(endpoint)
  })
  yield* endpoint.port.pull.pipe(
    Effect.flatMap((batch) =>
      Effect.forEach(
        Array.from({ length: batch.count }, (_, i) => {
          const offset = batch.offsets[i]!
          const bytes = endpoint.memory.bytes.slice(offset, offset + batch.lengths[i]!)
          return { source: PackedAddress.take(batch.addresses, i), bytes }
        }),
        ({ bytes, source }) => {
          const { message } = Result.getOrThrow(ControlMessage.decode(bytes))
          const n = asked.push(PackedAddress.format(source)) - 1
          return Effect.forkScoped(reply(source, message.transactionId, answer(source, n)), { startImmediately: true })
        },
        { discard: true }
      )
    ),
    Effect.forever,
    Effect.ignore,
    Effect.forkScoped({ startImmediately: true })
  )
  return { asked, address: endpoint.port.address }
})

const messageOf = (
  transactionId: Uint8Array,
  mappedAddress: Uint32Array | undefined,
  errorCode: number | undefined
): ControlMessage.ControlMessage | undefined => {
  if (mappedAddress !== undefined) return { _tag: "BindingSuccess", transactionId, mappedAddress }
  if (errorCode === undefined) return undefined
  return {
    _tag: "Refused",
    method: "Binding",
    transactionId,
    error: { code: errorCode, reason: "" },
    relays: []
  }
}

const splitAddress = (text: string): readonly [host: string, port: number] => {
  const packed = Result.getOrThrow(PackedAddress.parse(text))
  return [PackedAddress.formatHost(packed), packed[0]!]
}

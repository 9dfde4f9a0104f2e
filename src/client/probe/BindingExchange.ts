import { Result } from "effect"
import * as ControlMessage from "../../protocol/ControlMessage.ts"
import * as PackedAddress from "../../sockets/PackedAddress.ts"

/**
 * What one probe has asked several relays, and what it has heard: Binding requests of RFC 8489, each sent once. Owned by
 * one probe and changed in place.
 */
export interface BindingExchange {
  /** An answer that takes longer counts as lost. Milliseconds. */
  readonly timeoutMs: number
  readonly relays: ReadonlyArray<AskedRelay>
  /** Requests without an answer by their transaction ids. */
  readonly open: Map<string, OpenRequest>
}

export interface AskedRelay {
  /** Packed address. */
  readonly address: Uint32Array
  /** One entry a request that counts, in the order of asking; `undefined` while there is no answer. */
  readonly roundTripsMs: Array<number | undefined>
  /** Each mapped address that it has seen, once, in their order. Packed addresses. */
  readonly mapped: Array<Uint32Array>
  /** Of the last error that it has answered with; `undefined` when there was none. RFC 8489 section 14.8. */
  errorCode: number | undefined
  /** Requests that count and that the system has refused to send. */
  sendFailed: number
}

interface OpenRequest {
  readonly relay: AskedRelay
  /** Of its round trip; `undefined` for a request that does not count. */
  readonly index: number | undefined
  readonly sentAtMs: number
}

export const make = (addresses: ReadonlyArray<Uint32Array>, timeoutMs: number): BindingExchange => ({
  timeoutMs,
  relays: addresses.map((address) => ({
    address,
    roundTripsMs: [],
    mapped: [],
    errorCode: undefined,
    sendFailed: 0
  })),
  open: new Map()
})

const keyOf = (transactionId: Uint8Array): string => transactionId.join(".")

export const request = (transactionId: Uint8Array): Uint8Array =>
  ControlMessage.encode({ _tag: "BindingRequest", transactionId })

/**
 * Notes a request that is being sent. One that does not count opens the way: its answer tells the mapped address, and its
 * round trip is of address resolution, new translator state, a radio that wakes up, and of code that runs for the first
 * time.
 */
export const handleSent = (
  self: BindingExchange,
  relay: AskedRelay,
  request: { readonly transactionId: Uint8Array; readonly counts: boolean },
  nowMs: number
): void => {
  const index = request.counts ? relay.roundTripsMs.push(undefined) - 1 : undefined
  self.open.set(keyOf(request.transactionId), { relay, index, sentAtMs: nowMs })
}

/** The request could not be sent: no answer will come. */
export const handleSendFailed = (self: BindingExchange, transactionId: Uint8Array): void => {
  const key = keyOf(transactionId)
  const request = self.open.get(key)
  if (request?.index !== undefined) request.relay.sendFailed++
  self.open.delete(key)
}

/**
 * Takes a datagram in. It counts when it answers an open request, comes from the address that was asked, and is in time:
 * not when it is the second answer, late, or anything else. An error is an answer too, without a mapped address.
 */
export const handleDatagram = (
  self: BindingExchange,
  source: Uint32Array,
  datagram: Uint8Array,
  nowMs: number
): void => {
  const decoded = ControlMessage.decode(datagram)
  if (Result.isFailure(decoded)) return
  const { message } = decoded.success
  const isAnswer = message._tag === "BindingSuccess" || (message._tag === "Refused" && message.method === "Binding")
  if (!isAnswer) return
  const key = keyOf(message.transactionId)
  const request = self.open.get(key)
  if (request === undefined || !PackedAddress.equals(request.relay.address, 0, source, 0)) return
  const roundTripMs = nowMs - request.sentAtMs
  if (roundTripMs > self.timeoutMs) return
  self.open.delete(key)
  const { relay } = request
  if (request.index !== undefined) relay.roundTripsMs[request.index] = roundTripMs
  if (message._tag === "Refused") relay.errorCode = message.error.code
  else if (!relay.mapped.some((known) => PackedAddress.equals(known, 0, message.mappedAddress, 0))) {
    relay.mapped.push(message.mappedAddress)
  }
}

/** When the last open request is lost; `undefined` when none is open. Milliseconds. */
export const deadlineMs = (self: BindingExchange): number | undefined => {
  let latestMs: number | undefined
  for (const { sentAtMs } of self.open.values()) latestMs = Math.max(latestMs ?? -Infinity, sentAtMs + self.timeoutMs)
  return latestMs
}

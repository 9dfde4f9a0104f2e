import { Context, Layer, Queue } from "effect"

/** A control datagram, copied out of the packet memory. */
export interface ControlDatagram {
  readonly bytes: Uint8Array
  /** Packed address that it came from. */
  readonly address: Uint32Array
  /** Another relay has got it, and handed it over. */
  readonly isHandedOver?: boolean
}

/** Requests that wait. Beyond this they are dropped and counted: the devices repeat them. */
const datagramsMax = 1024

/** Where the data plane hands control datagrams over. */
export class ControlInbox extends Context.Service<ControlInbox, Queue.Queue<ControlDatagram>>()(
  "tandem/pipeline/ControlInbox"
) {
  static readonly layer: Layer.Layer<ControlInbox> = Layer.effect(
    ControlInbox,
    Queue.dropping<ControlDatagram>(datagramsMax)
  )
}

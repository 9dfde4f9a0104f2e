import type { RelayPlace } from "./LoadOrder.ts"

/** What the participants of the load talk through: UDP sockets, of whatever kind. */

/** Where datagrams that have come lie, each in a slot that is the next one's when whoever was told of it has returned. */
export interface Inbox {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>
  /** The same in 32-bit words. Slots begin with one. */
  readonly words: Int32Array<ArrayBuffer>
}

/**
 * Of a slot. No packet of the load is so long; what is longer is cut, and wrong. An odd number of cache lines, so that the
 * slots' beginnings do not compete for the same few places of the cache. Bytes.
 */
export const slotBytes = 25 * 64

export const makeInbox = (slots: number): Inbox => {
  const memory = new ArrayBuffer(slots * slotBytes)
  return { bytes: new Uint8Array(memory), view: new DataView(memory), words: new Int32Array(memory) }
}

/** Told of a datagram from `offset` to `end` of the inbox, and when it was read: all of one batch at the same time. */
export type OnDatagram = (offset: number, end: number, nowMs: number) => void

/** Packets of one size, side by side. What is written there is sent, and may be written anew as soon as that has returned. */
export interface Train {
  readonly packetBytes: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView<ArrayBuffer>
  /** Sends the first so many: a frame by segmentation offload where the system has it, others as packets of their own. */
  readonly send: (packets: number, isFrame: boolean) => void
}

/** One UDP socket. */
export interface Wire {
  /** Its own, packed. */
  readonly address: Uint32Array
  onDatagram: OnDatagram
  /** Sends one datagram, which is copied. A relay that is gone is no failure: what does not come is counted. */
  readonly send: (datagram: Uint8Array) => void
  readonly prepare: (packetBytes: number, packetsMax: number) => Train
}

/** All sockets of one kind. */
export interface Wires {
  readonly inbox: Inbox
  /** On 127.0.0.1. It talks to that place alone; without one it sends nothing and hears everybody. */
  readonly open: (to: RelayPlace | undefined) => Promise<Wire>
  /** Takes in what has come, at some of the sockets: all have their turn. Nothing when they tell by themselves. */
  readonly poll: () => void
  /** Datagrams that have found the receive buffer of an open socket full. `undefined`: the system does not tell. */
  readonly dropped: () => number | undefined
  readonly closeAll: () => void
  /** Why they tell by themselves, one datagram after the other, in the event loop; `undefined` when they have to be polled. */
  readonly notBatched: string | undefined
}

/** Takes in what comes until the work is done. */
export const pollWhile = async <A>(wires: Wires, work: Promise<A>): Promise<A> => {
  if (wires.notBatched !== undefined) return work
  let isDone = false
  const turn = () => {
    if (isDone) return
    wires.poll()
    setImmediate(turn)
  }
  turn()
  try {
    return await work
  } finally {
    isDone = true
  }
}

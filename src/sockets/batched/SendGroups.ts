import { addressWords, packetBytes, type SendBatch } from "../PacketBatch.ts"

/**
 * The packets of a batch, gathered into messages: those of one length to one receiver become one, which the kernel cuts
 * into datagrams again. Packets to one receiver keep their order, and have one drop precedence; a shorter one may only be the last of its message.
 * Changed in place, made for a batch capacity.
 */
export interface SendGroups {
  count: number
  /** First packet of each message, and how many; the others follow by `next`. */
  readonly first: Uint16Array
  readonly packets: Uint16Array
  /** Length of each datagram of a message but the last. Bytes. */
  readonly segmentBytes: Uint16Array
  readonly bytes: Uint32Array
  readonly dropPrecedence: Uint8Array
  readonly next: Uint16Array
  readonly last: Uint16Array
  /** Open addressing by receiver: the newest message to it, if `stamps` says that it is of this batch. */
  readonly places: Uint16Array
  readonly stamps: Uint32Array
  stamp: number
}

/** More are refused by older kernels: UDP_MAX_SEGMENTS of linux/udp.h. */
export const segmentsMax = 64
/** A message is one IP datagram until it is cut: 65,535 less the longest headers, with some room. Bytes. */
export const messageBytesMax = 65_000

export const make = (capacity: number): SendGroups => {
  const places = 2 ** Math.ceil(Math.log2(capacity * 2))
  return {
    count: 0,
    first: new Uint16Array(capacity),
    packets: new Uint16Array(capacity),
    segmentBytes: new Uint16Array(capacity),
    bytes: new Uint32Array(capacity),
    dropPrecedence: new Uint8Array(capacity),
    next: new Uint16Array(capacity),
    last: new Uint16Array(capacity),
    places: new Uint16Array(places),
    stamps: new Uint32Array(places),
    stamp: 0
  }
}

/** Gathers the whole batch anew. Without `segmentation` each packet is a message. */
export const gather = (self: SendGroups, batch: SendBatch, segmentation: boolean): void => {
  self.count = 0
  self.stamp = (self.stamp + 1) >>> 0
  if (self.stamp === 0) {
    self.stamps.fill(0)
    self.stamp = 1
  }
  for (let packet = 0; packet < batch.count; packet++) {
    const bytes = packetBytes(batch, packet)
    if (!segmentation) {
      begin(self, batch, packet, bytes)
      continue
    }
    const place = findPlace(self, batch, packet)
    if (self.stamps[place] !== self.stamp || !join(self, batch, self.places[place]!, packet, bytes)) {
      self.stamps[place] = self.stamp
      self.places[place] = begin(self, batch, packet, bytes)
    }
  }
}

/** What there is of each message. */
const columnsOf = (self: SendGroups) => [
  self.first,
  self.last,
  self.packets,
  self.segmentBytes,
  self.bytes,
  self.dropPrecedence
]

/** Puts those messages from `from` on first that it would be worse to lose; they keep their order otherwise. */
export const putWorthiestFirst = (self: SendGroups, from: number): void => {
  const order = Array.from({ length: self.count - from }, (_, i) => from + i)
  order.sort((a, b) => self.dropPrecedence[a]! - self.dropPrecedence[b]!)
  for (const column of columnsOf(self)) {
    const before = column.slice(0, self.count)
    for (let i = 0; i < order.length; i++) column[from + i] = before[order[i]!]!
  }
}

/** Makes a message that the system would not cut into one for each packet, in the same place. */
export const split = (self: SendGroups, batch: SendBatch, group: number): void => {
  const packets = self.packets[group]!
  for (const column of columnsOf(self)) {
    column.copyWithin(group + packets, group + 1, self.count)
  }
  const end = self.count + packets - 1
  let packet = self.first[group]!
  for (let i = 0; i < packets; i++, packet = self.next[packet]!) {
    self.count = group + i
    begin(self, batch, packet, packetBytes(batch, packet))
  }
  self.count = end
}

const begin = (self: SendGroups, batch: SendBatch, packet: number, bytes: number): number => {
  const group = self.count++
  self.first[group] = packet
  self.last[group] = packet
  self.packets[group] = 1
  self.segmentBytes[group] = bytes
  self.bytes[group] = bytes
  self.dropPrecedence[group] = batch.dropPrecedence[packet]!
  return group
}

/** Adds the packet to the message if it may be in it. */
const join = (self: SendGroups, batch: SendBatch, group: number, packet: number, bytes: number): boolean => {
  const packets = self.packets[group]!
  const total = self.bytes[group]!
  const segmentBytes = self.segmentBytes[group]!
  // A total that is no multiple has had its shorter packet already.
  if (self.dropPrecedence[group] !== batch.dropPrecedence[packet]) return false
  if (bytes > segmentBytes || bytes === 0 || total !== packets * segmentBytes) return false
  if (packets === segmentsMax || total + bytes > messageBytesMax) return false
  self.next[self.last[group]!] = packet
  self.last[group] = packet
  self.packets[group] = packets + 1
  self.bytes[group] = total + bytes
  return true
}

/** Where the receiver of a packet has its place, or is to get it. */
const findPlace = (self: SendGroups, { addresses }: SendBatch, packet: number): number => {
  const mask = self.places.length - 1
  const at = packet * addressWords
  const hash =
    Math.imul(addresses[at + 4]! ^ (addresses[at]! << 16), 0x9e3779b1) ^ Math.imul(addresses[at + 3]!, 0x85ebca6b)
  let place = ((hash ^ (hash >>> 15)) >>> 0) & mask
  while (self.stamps[place] === self.stamp && !isTo(self, addresses, self.places[place]!, at))
    place = (place + 1) & mask
  return place
}

const isTo = (self: SendGroups, addresses: Uint32Array, group: number, at: number): boolean => {
  const other = self.first[group]! * addressWords
  return (
    addresses[other] === addresses[at] &&
    addresses[other + 4] === addresses[at + 4] &&
    addresses[other + 3] === addresses[at + 3] &&
    addresses[other + 2] === addresses[at + 2] &&
    addresses[other + 1] === addresses[at + 1]
  )
}

import * as HopFrame from "../protocol/HopFrame.ts"
import * as PacketBatch from "../sockets/PacketBatch.ts"
import * as PacketMemory from "../sockets/PacketMemory.ts"
import * as EventHeap from "./EventHeap.ts"
import * as LabNode from "./LabNode.ts"
import * as Link from "./Link.ts"
import * as Samples from "./Samples.ts"

/**
 * The way from one node to another: links one after another. Between two links of a path stands who passes datagrams on
 * as they come, which is what a relay does that only relays. Owned by one simulation.
 */
export interface LabPath {
  readonly links: ReadonlyArray<Link.Link>
  readonly target: LabNode.LabNode
  /** Event handlers, by link: what happens where that link ends. */
  readonly ends: ReadonlyArray<number>
  readonly counters: Counters
  /** How long each packet of audio was in the queue of the first link, behind what had left before. Milliseconds. */
  readonly audioWaitsMs: Samples.Samples
}

/** What has taken this path, whoever else uses its links. With IP and UDP headers. */
export interface Counters {
  packets: number
  bytes: number
  lost: number
  arrivedBytes: number
  /** Of the bytes: media that is sent for the first time, what is sent again (copies too), and repair packets. */
  mediaBytes: number
  repeatedBytes: number
  repairBytes: number
  /** Of the packets: audio, sent again too; and what of it was lost. */
  audioPackets: number
  audioPacketsLost: number
}

export const makeCounters = (): Counters => ({
  packets: 0,
  bytes: 0,
  lost: 0,
  arrivedBytes: 0,
  mediaBytes: 0,
  repeatedBytes: 0,
  repairBytes: 0,
  audioPackets: 0,
  audioPacketsLost: 0
})

/** Lays a path. Nodes without one cannot reach each other. */
export const connect = (from: LabNode.LabNode, target: LabNode.LabNode, links: ReadonlyArray<Link.Link>): void => {
  const { heap } = target
  const ends: Array<number> = []
  const counters = makeCounters()
  links.forEach((_, i) => {
    const next = links[i + 1]
    const end =
      next === undefined
        ? (slot: number, nowMs: number) => {
            counters.arrivedBytes += target.lengths[slot]! + Link.headerBytes
            LabNode.deliver(target, slot, nowMs)
          }
        : (slot: number, nowMs: number) => {
            const arrivalMs = Link.send(next, nowMs, target.lengths[slot]!)
            if (arrivalMs < 0) {
              counters.lost++
              LabNode.freeSlot(target, slot)
            } else EventHeap.schedule(heap, arrivalMs, ends[i + 1]!, slot)
          }
    ends.push(EventHeap.register(heap, end))
  })
  from.paths[target.number] = { links, target, ends, counters, audioWaitsMs: Samples.make(1024) }
}

const countByKind = (counters: Counters, firstByte: number, bytes: number): void => {
  const type = HopFrame.typeOf(firstByte)
  if (type === HopFrame.FrameType.ForwardErrorCorrection) counters.repairBytes += bytes
  else if (!HopFrame.isMedia(type)) return
  else if ((firstByte & HopFrame.resendFlag) !== 0) counters.repeatedBytes += bytes
  else counters.mediaBytes += bytes
}

/** Sends and empties the node's batch, as a network does. */
export const flush = (from: LabNode.LabNode, nowMs: number): void => {
  const { out, resources } = from
  for (let place = 0; place < out.count; place++) {
    const path = from.paths[out.addresses[place * PacketBatch.addressWords]!]
    if (path === undefined) throw new RangeError("a datagram to where no path leads")
    const sizeBytes = PacketBatch.packetBytes(out, place)
    const { audioWaitsMs, counters, target } = path
    const [first] = path.links
    counters.packets++
    counters.bytes += sizeBytes + Link.headerBytes
    const firstByte = out.headers[place * PacketBatch.headerBytesMax]!
    countByKind(counters, firstByte, sizeBytes + Link.headerBytes)
    const isAudio = HopFrame.isAudio(HopFrame.typeOf(firstByte))
    if (isAudio) counters.audioPackets++
    const arrivalMs = Link.send(first!, nowMs, sizeBytes)
    if (arrivalMs < 0) {
      counters.lost++
      if (isAudio) counters.audioPacketsLost++
      continue
    }
    const slot = LabNode.takeSlot(target)
    PacketBatch.join(
      out,
      place,
      resources.rings.memory,
      target.resources.rings.memory.bytes,
      slot * PacketMemory.slotBytes
    )
    if (isAudio) Samples.add(audioWaitsMs, first!.sojournMs)
    target.lengths[slot] = sizeBytes
    target.sources[slot] = from.address
    EventHeap.schedule(from.heap, arrivalMs, path.ends[0]!, slot)
  }
  PacketBatch.reset(out)
}

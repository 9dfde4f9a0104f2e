import * as EventHeap from "./EventHeap.ts"
import * as LabPath from "./LabPath.ts"
import * as Link from "./Link.ts"

/**
 * A transfer over TCP that shares a link: Reno's window (RFC 5681: slow start, congestion avoidance, halved once for all
 * losses of a window), selective acknowledgements (RFC 6675) and a retransmission timer (RFC 6298), counted in whole
 * segments. Each segment is acknowledged at once, over a way back that neither queues nor loses. Not there: handshake,
 * delayed acknowledgements, receive windows, Cubic. Owned by one simulation.
 */
export interface TcpFlow {
  readonly heap: EventHeap.EventHeap
  readonly link: Link.Link
  /** From the end of the link to the receiver and from there back to the sender. Milliseconds. */
  readonly wayMs: number
  readonly arrived: number
  readonly acknowledged: number
  readonly timeout: number
  readonly onDone: (nowMs: number) => void
  /** Segments of the transfers so far. Infinity: it never ends. */
  segments: number
  /** Segments; the window may hold a part of one. */
  window: number
  threshold: number
  /** First segment that has not been sent, and first that has not been acknowledged. */
  next: number
  oldest: number
  /** Acknowledged ones behind the oldest that is not. */
  readonly selected: Set<number>
  /** On their way, as far as is known. */
  readonly flying: Set<number>
  /** Not any more, and not sent again: in order. */
  lost: Array<number>
  /** Whether those before it are lost has been found out. */
  examined: number
  /** The window has been halved for what was sent before this. */
  halvedUntil: number
  /** Of the segment that is timed, once a round trip; -1: none. */
  timedSegment: number
  timedAtMs: number
  smoothedMs: number
  variationMs: number
  timeoutMs: number
  /** The timer: of those that are scheduled only the newest counts. */
  timer: number
  readonly counters: LabPath.Counters
}

/** Of a segment without IP and TCP headers, and of those: an Ethernet frame full. Bytes. */
export const segmentBytes = 1460
const packetBytes = 1500
/** RFC 6928. Segments. */
const windowInitial = 10
/** RFC 6675 DupThresh: so many later ones have arrived. */
const laterMin = 3
/** RFC 6298 section 2. Milliseconds. */
const timeoutMsInitial = 1000
const timeoutMsMin = 1000
const timeoutMsMax = 60_000

/** `onDone`: all of a transfer has been acknowledged. */
export const make = (
  heap: EventHeap.EventHeap,
  link: Link.Link,
  wayMs: number,
  onDone: (nowMs: number) => void = () => {}
): TcpFlow => {
  const self: TcpFlow = {
    heap,
    link,
    wayMs,
    arrived: EventHeap.register(heap, (segment, nowMs) => {
      self.counters.arrivedBytes += packetBytes
      EventHeap.schedule(heap, nowMs + wayMs, self.acknowledged, segment)
    }),
    acknowledged: EventHeap.register(heap, (segment, nowMs) => handleAcknowledgement(self, segment, nowMs)),
    timeout: EventHeap.register(heap, (timer, nowMs) => {
      if (timer === self.timer) handleTimeout(self, nowMs)
    }),
    onDone,
    segments: 0,
    window: windowInitial,
    threshold: Infinity,
    next: 0,
    oldest: 0,
    selected: new Set(),
    flying: new Set(),
    lost: [],
    examined: 0,
    halvedUntil: 0,
    timedSegment: -1,
    timedAtMs: 0,
    smoothedMs: NaN,
    variationMs: 0,
    timeoutMs: timeoutMsInitial,
    timer: 0,
    counters: LabPath.makeCounters()
  }
  return self
}

/** Begins another transfer on a connection of its own. The one before has ended. */
export const start = (self: TcpFlow, bytes: number, nowMs: number): void => {
  self.segments = self.next + Math.ceil(bytes / segmentBytes)
  self.window = windowInitial
  self.threshold = Infinity
  self.halvedUntil = self.next
  self.smoothedMs = NaN
  self.timeoutMs = timeoutMsInitial
  startTimer(self, nowMs)
  sendAllowed(self, nowMs)
}

/** What is lost goes first. */
const sendAllowed = (self: TcpFlow, nowMs: number): void => {
  while (self.flying.size < Math.floor(self.window)) {
    const again = self.lost.shift()
    if (again !== undefined) {
      if (isAcknowledged(self, again)) continue
      // What is sent again is not timed (Karn).
      if (self.timedSegment === again) self.timedSegment = -1
      send(self, again, nowMs)
    } else if (self.next < self.segments) {
      if (self.timedSegment < 0) {
        self.timedSegment = self.next
        self.timedAtMs = nowMs
      }
      send(self, self.next++, nowMs)
    } else return
  }
}

const isAcknowledged = ({ oldest, selected }: TcpFlow, segment: number): boolean =>
  segment < oldest || selected.has(segment)

const send = (self: TcpFlow, segment: number, nowMs: number): void => {
  self.flying.add(segment)
  self.counters.packets++
  self.counters.bytes += packetBytes
  const arrivalMs = Link.send(self.link, nowMs, packetBytes - Link.headerBytes)
  if (arrivalMs < 0) self.counters.lost++
  else EventHeap.schedule(self.heap, arrivalMs, self.arrived, segment)
}

const startTimer = (self: TcpFlow, nowMs: number): void => {
  self.timer++
  EventHeap.schedule(self.heap, nowMs + self.timeoutMs, self.timeout, self.timer)
}

const handleAcknowledgement = (self: TcpFlow, segment: number, nowMs: number): void => {
  if (isAcknowledged(self, segment)) return
  self.flying.delete(segment)
  self.selected.add(segment)
  if (segment === self.timedSegment) measure(self, nowMs - self.timedAtMs)
  const before = self.oldest
  while (self.selected.delete(self.oldest)) self.oldest++
  findLost(self, segment)
  // Not while the losses of a window are being made up for.
  if (self.oldest >= self.halvedUntil) self.window += self.window < self.threshold ? 1 : 1 / self.window
  if (self.oldest === self.segments) {
    self.timer++
    self.timedSegment = -1
    self.onDone(nowMs)
    return
  }
  if (self.oldest > before) startTimer(self, nowMs)
  sendAllowed(self, nowMs)
}

/** Of those that were sent so long before one that has arrived. */
const findLost = (self: TcpFlow, arrived: number): void => {
  const before = self.lost.length
  for (; self.examined <= arrived - laterMin; self.examined++) {
    if (self.flying.delete(self.examined)) self.lost.push(self.examined)
  }
  if (self.lost.length === before || self.oldest < self.halvedUntil) return
  self.threshold = Math.max(2, self.window / 2)
  self.window = self.threshold
  self.halvedUntil = self.next
}

const measure = (self: TcpFlow, roundTripMs: number): void => {
  if (Number.isNaN(self.smoothedMs)) {
    self.smoothedMs = roundTripMs
    self.variationMs = roundTripMs / 2
  } else {
    self.variationMs += (Math.abs(self.smoothedMs - roundTripMs) - self.variationMs) / 4
    self.smoothedMs += (roundTripMs - self.smoothedMs) / 8
  }
  self.timedSegment = -1
  self.timeoutMs = Math.min(timeoutMsMax, Math.max(timeoutMsMin, self.smoothedMs + 4 * self.variationMs))
}

/** All that has not been acknowledged is taken to be lost. */
const handleTimeout = (self: TcpFlow, nowMs: number): void => {
  if (self.oldest === self.segments) return
  self.threshold = Math.max(2, self.flying.size / 2)
  self.window = 1
  self.halvedUntil = self.oldest
  self.timedSegment = -1
  self.flying.clear()
  self.lost = []
  for (let segment = self.oldest; segment < self.next; segment++) {
    if (!self.selected.has(segment)) self.lost.push(segment)
  }
  self.examined = self.next
  self.timeoutMs = Math.min(timeoutMsMax, 2 * self.timeoutMs)
  startTimer(self, nowMs)
  sendAllowed(self, nowMs)
}

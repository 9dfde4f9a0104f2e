/**
 * Which layer of one source flows on one leg: the highest that is allowed, comes, and has room. Another layer begins at one
 * of its key frames. What has no room is left at once: frames that no other is built on are dropped, then all that is
 * not bearable, until the key frame of a lower layer; and when not even the lowest fits, the video is paused. A stream without layers is
 * a source with one. Owned by one leg and changed in place; knows nothing of packets.
 */
export interface LayerSelection {
  /** The lowest first. Their owner brings them up to date before each `poll`. */
  readonly layers: ReadonlyArray<Layer>
  /** The highest layer that the leg may have; -1: none. */
  allowed: number
  /** What the leg has for this source, with all headers; NaN: not known. Bits a second. */
  roomBps: number
  /** While that is not known: what others on the leg leave of what is assumed of it. Infinity: nothing is. Bits a second. */
  assumedBps: number
  /** Whether any key frame of the source has been marked. What marks none could not be resumed, so it is not paused. */
  marksKeyFrames: boolean
  /** The layer that flows; -1: none. */
  current: number
  /** The layer that is to flow: `current`, or one that waits for its next key frame; -1: none. */
  target: number
  /** Frames of `current` that no other is built on are not forwarded. */
  dropsDiscardable: boolean
  /** The lowest layer has no room, and waits until there is clearly more. */
  isPaused: boolean
  /** A layer above `target` is allowed, and comes, and has no room. */
  wantsMore: boolean
  lastUpAtMs: number
  lastDownAtMs: number
  /** After `lastDownAtMs` there is no way up for so long. */
  holdMs: number
  /** Since when without interruption: the lowest layer has no room; there is room to resume; `current` is above what is allowed. */
  tightSinceMs: number
  roomySinceMs: number
  forbiddenSinceMs: number
}

export interface Layer {
  /** NaN: not known. Bits a second, with all headers. */
  rateBps: number
  /** The same without discardable frames. */
  firmBps: number
  lastPacketAtMs: number
  /** Since when the leg may have it: it is about to come. Infinity: it may not, or nobody is to send it. */
  plannedSinceMs: number
  /** When a key frame of it was asked for last. */
  askedAtMs: number
}

/** A layer needs so much more room than it takes before it is begun. Factor. */
export const upFactor = 1.1
/** And the lowest so much more before it is resumed, for so long. Factor, milliseconds. */
export const resumeFactor = 1.2
export const resumeAfterMs = 1000
/**
 * What is above the room by no more than this is borne by the leg's queue: until the key frame of a lower layer, and of the
 * lowest for good, for a sender who is told what there is room for sends about that. Factor.
 */
export const bearableFactor = 1.2
/** A sender that is told of less room needs as long to follow: rates are measured over a second. Milliseconds. */
export const pauseAfterMs = 2000
/** A layer of which nothing comes for so long has been stopped by its sender. Milliseconds. */
export const stoppedAfterMs = 500
/** Not more often for one layer. As KeyFrameRequest. Milliseconds. */
export const askEveryMs = 500
/** No way up so soon after a way down. Doubled when the way down followed one up within `relapseMs`. Milliseconds. */
export const holdMsMin = 2000
export const holdMsMax = 16_000
const relapseMs = 10_000
/** What is not allowed any more flows until the key frame of a lower layer, but not longer. Milliseconds. */
export const forbiddenMsMax = 1000

/** `current`: a stream that flows already, -1 if its first key frame is to be waited for. */
export const make = (layers: number, current: number): LayerSelection => ({
  layers: Array.from({ length: layers }, () => ({
    rateBps: NaN,
    firmBps: NaN,
    lastPacketAtMs: -Infinity,
    plannedSinceMs: -Infinity,
    askedAtMs: -Infinity
  })),
  allowed: layers - 1,
  roomBps: NaN,
  assumedBps: Infinity,
  marksKeyFrames: false,
  current,
  target: current,
  dropsDiscardable: false,
  isPaused: false,
  wantsMore: false,
  lastUpAtMs: -Infinity,
  lastDownAtMs: -Infinity,
  holdMs: holdMsMin,
  tightSinceMs: Infinity,
  roomySinceMs: Infinity,
  forbiddenSinceMs: Infinity
})

/** Decides anew. The layer of which a key frame has to be asked for now; -1: none. */
export const poll = (self: LayerSelection, nowMs: number): number => {
  noteTimes(self, nowMs)
  const from = self.current >= 0 ? self.current : self.target
  const to = choose(self, from, nowMs)
  if (to < from && self.target >= from) noteDown(self, nowMs)
  self.target = to
  if (to >= 0) self.isPaused = false
  noteDiscardable(self)
  if (self.current !== to && !mayFlowOn(self, nowMs)) self.current = -1
  self.wantsMore = self.isPaused || hasNoRoomAbove(self, to, nowMs)
  // What nobody sends yet begins with a key frame by itself.
  if (to < 0 || to === self.current || isAboutToBegin(self.layers[to]!, nowMs)) return -1
  return ask(self.layers[to]!, to, nowMs)
}

/** A key frame of the layer starts. True: from here on this layer flows, and no other. */
export const handleKeyFrame = (self: LayerSelection, layer: number, nowMs: number): boolean => {
  if (layer !== self.target || layer === self.current) return false
  if (self.current >= 0 && layer > self.current) self.lastUpAtMs = nowMs
  self.current = layer
  self.dropsDiscardable = self.layers[layer]!.rateBps > bearableFactor * self.roomBps
  return true
}

const isAllowed = ({ allowed, layers }: LayerSelection, layer: number): boolean =>
  layer <= allowed && (layers[layer]?.plannedSinceMs ?? -Infinity) < Infinity

const isUsable = (self: LayerSelection, layer: number, nowMs: number): boolean => {
  const { lastPacketAtMs, plannedSinceMs } = self.layers[layer]!
  return isAllowed(self, layer) && nowMs - Math.max(lastPacketAtMs, plannedSinceMs) < stoppedAfterMs
}

/** Nothing of it has come since the leg may have it. */
export const isExpected = ({ lastPacketAtMs, plannedSinceMs }: Layer): boolean =>
  plannedSinceMs < Infinity && plannedSinceMs > lastPacketAtMs

const isAboutToBegin = (layer: Layer, nowMs: number): boolean =>
  isExpected(layer) && nowMs - layer.lastPacketAtMs >= stoppedAfterMs

/** Whether the leg may have the layer: it says nothing of higher and lower ones. True: now it may, and before it could not. */
export const plan = (self: LayerSelection, layer: number, isPlanned: boolean, nowMs: number): boolean => {
  const known = self.layers[layer]!
  const isAnew = isPlanned && known.plannedSinceMs === Infinity
  if (!isPlanned) known.plannedSinceMs = Infinity
  else if (isAnew) known.plannedSinceMs = nowMs
  return isAnew
}

/** What flowed has been interrupted: it goes on with a key frame. */
export const interrupt = (self: LayerSelection): void => {
  self.current = -1
}

/** What is not known fits. */
const fits = ({ layers, roomBps }: LayerSelection, layer: number): boolean => !(layers[layer]!.rateBps > roomBps)

/** What is not known is not begun. A layer that is waited for already may take all the room. */
const hasRoom = ({ layers, roomBps, target }: LayerSelection, layer: number): boolean =>
  layers[layer]!.rateBps * (layer === target ? 1 : upFactor) <= roomBps

const lowestUsable = (self: LayerSelection, nowMs: number): number => {
  for (let layer = 0; layer <= self.allowed; layer++) if (isUsable(self, layer, nowMs)) return layer
  return -1
}

const choose = (self: LayerSelection, from: number, nowMs: number): number => {
  const lowest = lowestUsable(self, nowMs)
  // A source that is silent altogether goes on where it was.
  if (lowest < 0) return isAllowed(self, self.target) && isAllowed(self, from) ? self.target : -1
  if (from < 0) {
    if (self.isPaused) return resumed(self, lowest, nowMs)
    return mayBegin(self, lowest) ? Math.max(lowest, highestWithRoom(self, nowMs)) : -1
  }
  if (!isUsable(self, from, nowMs)) return below(self, from, lowest, nowMs)
  // Once a lower layer is waited for, a little more room is no reason to stay.
  const stays = self.target < self.current ? hasRoom(self, from) || Number.isNaN(self.roomBps) : fits(self, from)
  if (!stays) return from === lowest ? tightened(self, lowest, nowMs) : below(self, from, lowest, nowMs)
  if (nowMs - self.lastDownAtMs < self.holdMs) return from
  return Math.max(from, highestWithRoom(self, nowMs))
}

/** Who has nothing yet misses nothing: more than can be borne is not begun. */
const mayBegin = ({ assumedBps, layers, roomBps }: LayerSelection, lowest: number): boolean => {
  const { firmBps } = layers[lowest]!
  return !(Number.isNaN(roomBps) ? firmBps > assumedBps : firmBps > bearableFactor * roomBps)
}

const highestWithRoom = (self: LayerSelection, nowMs: number): number => {
  for (let layer = self.allowed; layer >= 0; layer--) {
    if (isUsable(self, layer, nowMs) && hasRoom(self, layer)) return layer
  }
  return -1
}

/** The best lower one that fits; else the lowest there is. */
const below = (self: LayerSelection, from: number, lowest: number, nowMs: number): number => {
  for (let layer = from - 1; layer > lowest; layer--) {
    if (isUsable(self, layer, nowMs) && fits(self, layer)) return layer
  }
  return tightened(self, lowest, nowMs)
}

/** The lowest layer, unless it has had no room for too long. */
const tightened = (self: LayerSelection, lowest: number, nowMs: number): number => {
  if (!self.marksKeyFrames || nowMs - self.tightSinceMs < pauseAfterMs) return lowest
  self.isPaused = true
  return -1
}

/** Of what has been paused. Where nobody knows the room any more, it is tried. */
const resumed = (self: LayerSelection, lowest: number, nowMs: number): number =>
  Number.isNaN(self.roomBps) || nowMs - self.roomySinceMs >= resumeAfterMs ? lowest : -1

const noteTimes = (self: LayerSelection, nowMs: number): void => {
  const { current, layers, roomBps } = self
  const lowest = lowestUsable(self, nowMs)
  const firmBps = lowest < 0 ? NaN : layers[lowest]!.firmBps
  self.tightSinceMs = firmBps > bearableFactor * roomBps ? Math.min(self.tightSinceMs, nowMs) : Infinity
  self.roomySinceMs = firmBps * resumeFactor <= roomBps ? Math.min(self.roomySinceMs, nowMs) : Infinity
  self.forbiddenSinceMs = isAllowed(self, current) ? Infinity : Math.min(self.forbiddenSinceMs, nowMs)
}

const noteDown = (self: LayerSelection, nowMs: number): void => {
  const isRelapse = nowMs - self.lastUpAtMs < relapseMs
  self.holdMs = isRelapse ? Math.min(holdMsMax, 2 * self.holdMs) : holdMsMin
  self.lastDownAtMs = nowMs
}

const noteDiscardable = (self: LayerSelection): void => {
  const { current, layers, roomBps, target } = self
  const bearableBps = target < current ? roomBps : bearableFactor * roomBps
  if (current < 0 || Number.isNaN(roomBps)) self.dropsDiscardable = false
  else if (layers[current]!.rateBps > bearableBps) self.dropsDiscardable = true
  else if (layers[current]!.rateBps <= roomBps) self.dropsDiscardable = false
}

/** Whether `current`, which is not the layer that is to flow, may do so until that one has a key frame. */
const mayFlowOn = ({ allowed, current, forbiddenSinceMs, layers, roomBps, target }: LayerSelection, nowMs: number) =>
  current >= 0 &&
  target >= 0 &&
  allowed >= 0 &&
  nowMs - forbiddenSinceMs < forbiddenMsMax &&
  !(layers[current]!.firmBps > bearableFactor * roomBps)

const hasNoRoomAbove = (self: LayerSelection, target: number, nowMs: number): boolean => {
  const { assumedBps, roomBps } = self
  const freeBps = Number.isNaN(roomBps) ? assumedBps : roomBps
  for (let layer = target + 1; layer <= self.allowed; layer++) {
    if (isUsable(self, layer, nowMs) && self.layers[layer]!.rateBps * upFactor > freeBps) return true
  }
  return false
}

const ask = (layer: Layer, number: number, nowMs: number): number => {
  if (nowMs - layer.askedAtMs < askEveryMs) return -1
  layer.askedAtMs = nowMs
  return number
}

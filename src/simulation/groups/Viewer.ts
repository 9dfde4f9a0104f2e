import * as Subscription from "../../call/Subscription.ts"
import type { RelayLeg } from "../../pipeline/RelayLeg.ts"
import type { LayeredPicture } from "../LayeredPicture.ts"
import type { Wish } from "./VideoScenarios.ts"

/**
 * What one device sees of what it wants to see. It is looked at every 100 ms: how much of which picture was shown, and which
 * stood still although it was promised. Owned by one simulation, changed in place.
 */
export interface Viewer {
  readonly device: number
  /** By whose it is. */
  readonly wanted: Map<number, Wanted>
  /** Of the subscription that was said last. */
  version: number
  /** Sum over seconds and wishes of weight * log2(1 + kbit/s / 50), and over both of 1. */
  utility: number
  wishSeconds: number
  freezes: number
  /** Wanted, and not given for longer than a second: by the owner of the call, or by the relay. Both for lack of room. */
  readonly pauses: { byOwner: number; byRelay: number }
  /** From the wish to the first frame, of pictures that were shown. Milliseconds. */
  readonly picturesAfterMs: Array<number>
}

interface Wanted {
  readonly picture: LayeredPicture
  readonly ssrc: number
  readonly weight: number
  readonly sinceMs: number
  bytesBefore: number
  isShown: boolean
  /** What holds now, and since when. */
  state: "promised" | "byOwner" | "byRelay"
  stateSinceMs: number
  /** What it has been waiting for since is counted already. */
  isCounted: boolean
  waitingSinceMs: number
}

/** What stands still for longer is a freeze. Milliseconds. */
const freezeMs = 1000
/** What one picture is worth: as in call/allocation. Thousands of bits a second. */
const utilityKbps = 50

export const make = (device: number): Viewer => ({
  device,
  wanted: new Map(),
  version: 0,
  utility: 0,
  wishSeconds: 0,
  freezes: 0,
  pauses: { byOwner: 0, byRelay: 0 },
  picturesAfterMs: []
})

/** `undefined`: nothing has changed. What is to be said otherwise. */
export const handleWishes = (
  self: Viewer,
  wishes: ReadonlyArray<Wish>,
  pictureOf: (from: number) => LayeredPicture,
  nowMs: number
): Subscription.Subscription | undefined => {
  const { wanted } = self
  const isSame =
    wanted.size === wishes.length &&
    wishes.every(({ from, place }) => wanted.get(from)?.weight === Subscription.weights[place])
  if (isSame) return undefined
  const before = new Map(wanted)
  wanted.clear()
  const entries = wishes.map(({ from, heightPx, place }) => {
    const picture = pictureOf(from)
    const { ssrc } = picture.spliced
    const weight = Subscription.weights[place]
    const known = before.get(from)
    wanted.set(from, known === undefined ? wantedOf(picture, weight, nowMs) : { ...known, weight })
    return { ssrc, place, heightPx }
  })
  return { version: ++self.version, wanted: entries }
}

const wantedOf = (picture: LayeredPicture, weight: number, nowMs: number): Wanted => ({
  picture,
  ssrc: picture.spliced.ssrc,
  weight,
  sinceMs: nowMs,
  bytesBefore: picture.shownBytes,
  isShown: false,
  state: "byOwner",
  stateSinceMs: nowMs,
  isCounted: false,
  waitingSinceMs: -Infinity
})

/** Looks at all pictures. `leg`: the relay's, of this device; `counts`: whether it is part of what is measured. */
export const look = (self: Viewer, leg: RelayLeg, counts: boolean, nowMs: number): void => {
  for (const one of self.wanted.values()) {
    const { picture, sinceMs } = one
    if (!one.isShown && picture.shownAtMs >= sinceMs) {
      one.isShown = true
      if (counts) self.picturesAfterMs.push(nowMs - sinceMs)
    }
    const state = stateOf(leg, one.ssrc)
    if (state !== one.state) {
      one.state = state
      one.stateSinceMs = nowMs
    }
    // What is shown while nothing is given any more is what was on its way.
    const sinceAnyMs = Math.max(sinceMs, one.stateSinceMs)
    const waitingSinceMs = state === "promised" ? Math.max(sinceAnyMs, picture.shownAtMs) : sinceAnyMs
    if (waitingSinceMs !== one.waitingSinceMs) {
      one.waitingSinceMs = waitingSinceMs
      one.isCounted = false
    }
    if (one.isCounted || nowMs - waitingSinceMs <= freezeMs) continue
    one.isCounted = true
    if (!counts) continue
    if (state === "promised") self.freezes++
    else self.pauses[state]++
  }
}

/** Who gives nothing now: the plan has no layer for the device, or the relay finds no room for the one it has. */
const stateOf = ({ layers }: RelayLeg, ssrc: number): Wanted["state"] => {
  const one = layers.find((each) => each.layers[0]?.description.ssrc === ssrc)
  if (one === undefined || one.selection.allowed < 0) return "byOwner"
  return one.selection.isPaused ? "byRelay" : "promised"
}

/** A second has passed. */
export const countSecond = (self: Viewer, counts: boolean): void => {
  for (const one of self.wanted.values()) {
    const { bytesBefore, picture, weight } = one
    const shownKbps = ((picture.shownBytes - bytesBefore) * 8) / 1000
    one.bytesBefore = picture.shownBytes
    if (!counts) continue
    self.utility += weight * Math.log2(1 + shownKbps / utilityKbps)
    self.wishSeconds++
  }
}

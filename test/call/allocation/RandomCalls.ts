import type { AllocationInput, Layer, Wish } from "../../../src/call/allocation/AllocationInput.ts"

/** Random calls: a call is its seed. */
export type Dice = () => number

/** mulberry32. */
export const dice =
  (seed: number): Dice =>
  () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

export const oneOf = <A>(draw: Dice, values: ReadonlyArray<A>): A => values[Math.floor(draw() * values.length)]!

/** Every factor between the two is as likely. */
export const spread = (draw: Dice, min: number, max: number): number => Math.round(min * (max / min) ** draw())

/** As cameras have them (180p, 360p, 720p), moved up or down together, and now and then overlapping. */
const layersOf = (draw: Dice, layers: number): ReadonlyArray<Layer> => {
  const scale = 2 ** (2 * draw() - 1)
  const overlap = draw() < 0.3 ? 2 : 1
  const camera = [
    { minBps: 60_000, maxBps: 200_000 * overlap },
    { minBps: 200_000, maxBps: 700_000 * overlap },
    { minBps: 600_000, maxBps: 2_500_000 * overlap }
  ]
  return camera
    .slice(draw() < 0.2 ? 3 - layers : 0, 3)
    .slice(0, layers)
    .map(({ maxBps, minBps }) => ({
      minBps: minBps * scale,
      maxBps: maxBps * scale
    }))
}

export interface Shape {
  readonly participants: number
  readonly layers: number
  /** Each participant sends so many. */
  readonly sources?: number
  /** Each receiver wants so many at most; all but his own if left out. */
  readonly wishes?: number
}

export const randomCall = (
  draw: Dice,
  { layers, participants, sources = 1, wishes = Infinity }: Shape
): AllocationInput => {
  const capacity = (min: number, max: number): number => (draw() < 0.1 ? Infinity : spread(draw, min, max))
  const input: AllocationInput = {
    sources: Array.from({ length: participants * sources }, (_, source) => ({
      sender: Math.floor(source / sources),
      layers: layersOf(draw, 1 + Math.floor(draw() * layers))
    })),
    senders: Array.from({ length: participants }, () => ({ uplinkBps: capacity(100_000, 6_000_000) })),
    receivers: Array.from({ length: participants }, (_, receiver) => ({
      downlinkBps: capacity(100_000, 2_000_000 * Math.min(wishes, participants)),
      wishes: wishesOf(draw, receiver, participants, sources, wishes)
    }))
  }
  return input
}

const wishesOf = (
  draw: Dice,
  receiver: number,
  participants: number,
  sources: number,
  wishesMax: number
): ReadonlyArray<Wish> => {
  const wished: Array<Wish> = []
  const first = Math.floor(draw() * participants)
  for (let i = 0; i < participants * sources && wished.length < wishesMax; i++) {
    const source = (first * sources + i) % (participants * sources)
    if (Math.floor(source / sources) === receiver || draw() < 0.1) continue
    wished.push({
      source,
      weight: oneOf(draw, [4, 1, 1, 1, 0.25]),
      maxBps: draw() < 0.2 ? Infinity : spread(draw, 100_000, 4_000_000)
    })
  }
  return wished
}

/** The same call with every capacity a little off, by up to `ratio`. */
export const wobbled = (draw: Dice, input: AllocationInput, ratio: number): AllocationInput => {
  const off = (bps: number): number => bps * (1 + ratio * (2 * draw() - 1))
  return {
    ...input,
    senders: input.senders.map(({ uplinkBps }) => ({ uplinkBps: off(uplinkBps) })),
    receivers: input.receivers.map((receiver) => ({ ...receiver, downlinkBps: off(receiver.downlinkBps) }))
  }
}

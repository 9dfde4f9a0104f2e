import { layersMax } from "../protocol/StreamDescription.ts"
import type { StreamSource } from "../protocol/StreamSources.ts"
import type { Layer } from "./allocation/AllocationInput.ts"
import * as RateLadder from "./allocation/RateLadder.ts"

/** Of a layer whose sender has not said it: libwebrtc video/config/simulcast.cc, by height; thousands of bits a second. */
const usualMaxKbps = [
  { heightPixels: 180, maxKbps: 200 },
  { heightPixels: 270, maxKbps: 450 },
  { heightPixels: 360, maxKbps: 700 },
  { heightPixels: 540, maxKbps: 1200 },
  { heightPixels: 720, maxKbps: 2500 }
] as const
const largestMaxKbps = 4000
/** If he has not said it either: an encoder that has less than this share of what it would need sends a smaller picture instead. */
const minShare = 0.4

/** The rates at which the layers of a source are of use, lowest layer first, with all headers. No layer's range is empty. */
export const rangesOf = (source: StreamSource): ReadonlyArray<Layer> => {
  const ranges: Array<Layer> = []
  for (const { simulcast } of source.slice(0, layersMax)) {
    const before = ranges.at(-1)
    const saidBps = (simulcast?.maxKbps ?? 0) * 1000
    const wishedBps = saidBps > 0 ? saidBps : usualBps(simulcast?.heightPixels ?? 0)
    const lowestBps = Math.max(RateLadder.unitBps, before?.maxBps ?? 0)
    // To whole rungs: what lies between two of them could never be sent.
    const maxBps = Math.max(lowestBps, RateLadder.bpsOf(RateLadder.highestTo(wishedBps)))
    const leastBps = simulcast?.minKbps === undefined ? minShare * maxBps : simulcast.minKbps * 1000
    const minBps = Math.min(maxBps, Math.max(lowestBps, leastBps))
    ranges.push({ minBps, maxBps })
  }
  return ranges
}

/** More is of no use to who shows it so large: what the smallest layer needs that is not smaller. 0 pixels: any size. */
export const usefulBps = (source: StreamSource, ranges: ReadonlyArray<Layer>, heightPixels: number): number => {
  const enough = source.findIndex(({ simulcast }) => (simulcast?.heightPixels ?? 0) >= heightPixels)
  return heightPixels === 0 || enough < 0 ? Infinity : (ranges[enough]?.maxBps ?? Infinity)
}

const usualBps = (heightPixels: number): number => {
  const usual = usualMaxKbps.find((each) => heightPixels > 0 && heightPixels <= each.heightPixels)
  return (usual?.maxKbps ?? largestMaxKbps) * 1000
}

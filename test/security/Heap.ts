import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** What is still in use after everything that can be collected has been: JavaScript's heap and the buffers behind it. Bytes. */
export const usedBytes = (): number => {
  // Finalizers of the first free what the second collects.
  collect()
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** A line through the slices by least squares: what each one adds. Bytes. */
export const slopeBytes = (slices: ReadonlyArray<number>): number => {
  const meanX = (slices.length - 1) / 2
  const meanY = slices.reduce((sum, bytes) => sum + bytes, 0) / slices.length
  let above = 0
  let below = 0
  slices.forEach((bytes, x) => {
    above += (x - meanX) * (bytes - meanY)
    below += (x - meanX) ** 2
  })
  return above / below
}

/** What a relay may grow by, however much it is sent. Bytes. */
const growthBytesMax = 1_000_000

/** What to say about a heap that grows from slice to slice, those left out in which code is compiled and tables are filled. */
export const complaints = (heapBytes: ReadonlyArray<number>, warmUpSlices: number): ReadonlyArray<string> => {
  const settled = heapBytes.slice(warmUpSlices)
  // A line takes two points: a run that is too short to settle is not judged.
  if (settled.length < 2 || slopeBytes(settled) * (settled.length - 1) < growthBytesMax) return []
  return [`the heap grows: ${settled.map((bytes) => (bytes / 1e6).toFixed(3)).join(", ")} MB`]
}

import * as Fs from "node:fs"

/** The memory of another process, as Linux shows it to whoever may debug that process. */

const chunkBytes = 4 << 20

/** Start and end of everything that the process can write to: its heaps, stacks, buffers. */
const writableRegions = (pid: number): ReadonlyArray<readonly [start: bigint, end: bigint]> =>
  Fs.readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .flatMap((line) => {
      const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line)
      return match === null ? [] : [[BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)] as const]
    })

/** How often each of the needles is found in the memory of the process. Fails where that may not be read. */
export const occurrences = (pid: number, needles: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => {
  const counts = needles.map(() => 0)
  // What lies across two chunks is seen in the second, which begins before the first ends.
  const overlap = Math.max(...needles.map(({ length }) => length)) - 1
  const memory = Fs.openSync(`/proc/${pid}/mem`, "r")
  const chunk = Buffer.alloc(chunkBytes)
  try {
    for (const [start, end] of writableRegions(pid)) {
      for (let at = start; at < end; at += BigInt(chunkBytes - overlap)) {
        const wanted = Number(end - at < BigInt(chunkBytes) ? end - at : BigInt(chunkBytes))
        const read = readAt(memory, chunk, wanted, at)
        const isLast = at + BigInt(wanted) >= end
        needles.forEach((needle, index) => {
          for (let found = chunk.indexOf(needle); found >= 0; found = chunk.indexOf(needle, found + 1)) {
            const isWithin = found + needle.length <= read
            // What ends within the overlap is counted by the next chunk.
            const isNext = !isLast && found >= chunkBytes - overlap
            if (isWithin && !isNext) counts[index]!++
          }
        })
        if (isLast) break
      }
    }
    return counts
  } finally {
    Fs.closeSync(memory)
  }
}

/** Bytes read. A region may go away between the list and the reading, and some of the kernel's own cannot be read. */
const readAt = (file: number, into: Buffer, length: number, position: bigint): number => {
  try {
    return Fs.readSync(file, into, 0, length, position)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EIO" || code === "EFAULT") return 0
    throw error
  }
}

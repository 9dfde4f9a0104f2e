/** Asked of the system for each direction of a port; its default of 208 KB overflows within a burst. Bytes. */
export const kernelBufferBytes = 4 * 1024 * 1024

/** What the system gave, as far as it is known. Bytes. */
export interface Given {
  readonly receive: number | undefined
  readonly send: number | undefined
}

/**
 * What Linux says of a buffer, which is what is there for datagrams and as much again for what it keeps beside them:
 * socket(7). Bytes.
 */
export const fromLinux = (saidBytes: number): number => saidBytes / 2

const limits = { receive: "net.core.rmem_max", send: "net.core.wmem_max" } as const
const kilobytes = (bytes: number): string => `${Math.floor(bytes / 1024)} KB`

/** What to change when the system gives less than was asked for, in one line; nothing when it gives enough. */
export const shortcomings = (given: Given): ReadonlyArray<string> => {
  const small = (["receive", "send"] as const).filter((way) => (given[way] ?? kernelBufferBytes) < kernelBufferBytes)
  if (small.length === 0) return []
  const what = small.map((way) => `${kilobytes(given[way]!)} of ${way} buffer`).join(" and ")
  const command = `sysctl -w ${small.map((way) => `${limits[way]}=${kernelBufferBytes}`).join(" ")}`
  return [
    `the system gives the UDP port ${what} instead of ${kilobytes(kernelBufferBytes)}, and bursts overflow it: ${command}`
  ]
}

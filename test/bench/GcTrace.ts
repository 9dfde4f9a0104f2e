/** What V8 says about its garbage collection, one line for each, when Node is started with `nodeFlags`. */

export const nodeFlags = ["--trace-gc", "--trace-gc-nvp"]

/** One collection, or the end of one that was done in steps. */
export interface Collection {
  readonly pauseMs: number
  /** Since the one before. */
  readonly allocatedBytes: number
}

interface Said {
  readonly pause?: unknown
  readonly allocated?: unknown
}

/** "[11005:0x21ad1000:0]       20 ms: GC: {"pause":1.165,...}"; `undefined` for any other line. */
export const parse = (line: string): Collection | undefined => {
  const found = /^\[\d+:0x[0-9a-f]+(?::\d+)?\]\s+\d+ ms: GC: (\{.*\})$/.exec(line)
  if (found === null) return undefined
  const { allocated, pause } = JSON.parse(found[1]!) as Said
  if (typeof pause !== "number" || typeof allocated !== "number") {
    throw new Error(`V8 says something else about its garbage collection than expected: ${line}`)
  }
  return { pauseMs: pause, allocatedBytes: allocated }
}

import * as Abi from "./LinuxAbi.ts"
import type { SystemCalls } from "./SystemCalls.ts"

/** What the kernel says of a socket's receive buffer. Written by `read`. */
export interface ReceiveMemory {
  readonly words: Uint32Array
  readonly bytes: Uint8Array
  /** Of the room that it has. 0 to 1. */
  usedShare: number
  /** Datagrams that found it full, since the socket was opened. */
  drops: number
}

/** Places of linux/sock_diag.h: SK_MEMINFO_RMEM_ALLOC, SK_MEMINFO_RCVBUF and SK_MEMINFO_DROPS, the last. */
const usedWord = 0
const sizeWord = 1
const dropsWord = 8

export const make = (): ReceiveMemory => {
  const words = new Uint32Array(dropsWord + 1)
  return { words, bytes: new Uint8Array(words.buffer), usedShare: 0, drops: 0 }
}

/** Asks the kernel, and leaves what is known where it does not say. */
export const read = (self: ReceiveMemory, calls: SystemCalls, socket: number): ReceiveMemory => {
  if (calls.getOption(socket, Abi.SOL_SOCKET, Abi.SO_MEMINFO, self.bytes) < 0) return self
  self.usedShare = self.words[usedWord]! / Math.max(1, self.words[sizeWord]!)
  self.drops = self.words[dropsWord]!
  return self
}

/**
 * Dice that fall the same way on every machine: xoshiro128** 1.1 (Blackman and Vigna, 2018), seeded by text. Only 32-bit
 * integers, +, -, *, / and comparisons, which IEEE 754 and ECMAScript define to the last bit; no logarithm and no sine,
 * whose last bits are each engine's own.
 *
 * Each component has dice of its own, named after it. What one draws changes nothing for another: two simulations of the
 * same seed that differ in one thing meet the same losses and delays everywhere else. Changed in place.
 */
export interface Random {
  readonly state: Uint32Array
}

/** `name`: whose dice they are. */
export const make = (seed: string, name: string): Random => {
  const state = Uint32Array.from([0, 1, 2, 3], (word) => finish(hash(`${word} ${seed} ${name}`)))
  // The one state that xoshiro never leaves.
  if (state.every((word) => word === 0)) state[0] = 1
  return { state }
}

/** FNV-1a, 32 bits (Fowler, Noll and Vo), over UTF-16 code units. */
const hash = (text: string): number => {
  let hashed = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hashed = Math.imul(hashed ^ text.charCodeAt(i), 0x01000193)
  return hashed
}

/** Finalizer of MurmurHash3 (Appleby), as SplitMix (Steele, Lea and Flood, 2014) has it: FNV-1a leaves the high bits poor. */
const finish = (hashed: number): number => {
  let mixed = hashed + 0x9e3779b9
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/** 32 bits, unsigned. */
export const nextU32 = ({ state }: Random): number => {
  const second = state[1]!
  const drawn = Math.imul(rotate(Math.imul(second, 5), 7), 9) >>> 0
  state[2]! ^= state[0]!
  state[3]! ^= second
  state[1]! ^= state[2]!
  state[0]! ^= state[3]!
  state[2]! ^= second << 9
  state[3] = rotate(state[3]!, 11)
  return drawn
}

/** Even in 0..1, without 1. */
export const uniform = (self: Random): number => nextU32(self) / 0x1_0000_0000

/** Integers even in 0..bound, without the bound, which is below 2^21 so that the product is exact. */
export const below = (self: Random, bound: number): number => Math.floor((nextU32(self) * bound) / 0x1_0000_0000)

/**
 * Exponential, mean 1. Von Neumann's comparison of uniform draws (Various techniques used in connection with random
 * digits, 1951): how long they keep falling says whether the first of them is the fraction.
 */
export const exponential = (self: Random): number => {
  for (let whole = 0; ; whole++) {
    const first = uniform(self)
    let before = first
    for (let count = 1; ; count++) {
      const drawn = uniform(self)
      if (drawn >= before) {
        if (count % 2 === 1) return whole + first
        break
      }
      before = drawn
    }
  }
}

/** Normal, mean 0 and variance 1: rejection from two exponentials (Kahn, 1954), which needs no root and no logarithm. */
export const normal = (self: Random): number => {
  while (true) {
    const size = exponential(self)
    if (2 * exponential(self) < (size - 1) * (size - 1)) continue
    return nextU32(self) < 0x8000_0000 ? size : -size
  }
}

/**
 * The field of 256 elements in which repair packets are computed: bytes, added by exclusive or, multiplied as polynomials
 * modulo x^8 + x^4 + x^3 + x^2 + 1. The polynomial is the one of RFC 6330 section 5.7; 2 generates all elements but 0.
 */
const polynomial = 0x11d
const elements = 256

/** Powers of 2, twice over: the sum of two logarithms needs no modulo. */
const powers = new Uint8Array(2 * elements)
const logarithms = new Uint8Array(elements)
for (let exponent = 0, power = 1; exponent < elements - 1; exponent++) {
  powers[exponent] = power
  powers[exponent + elements - 1] = power
  logarithms[power] = exponent
  power = (power << 1) ^ (power & 0x80 ? polynomial : 0)
}

/** All products, 64 KiB: that of `a` and `b` is at `a * 256 + b`. One read a byte instead of three and two branches. */
const products = new Uint8Array(elements * elements)
for (let a = 1; a < elements; a++) {
  for (let b = 1; b < elements; b++) products[(a << 8) | b] = powers[logarithms[a]! + logarithms[b]!]!
}

export const multiply = (a: number, b: number): number => products[(a << 8) | b]!

/** What 1 is when divided by `a`, which is not 0. */
export const inverse = (a: number): number => powers[elements - 1 - logarithms[a]!]!

/**
 * Adds `factor` times `length` bytes of `from` to as many of `into`. Views, because they read and write four bytes at once
 * wherever these lie: that is twice as fast.
 */
export const multiplyAdd = (
  into: DataView,
  intoOffset: number,
  from: DataView,
  fromOffset: number,
  length: number,
  factor: number
): void => {
  if (factor === 0) return
  if (factor === 1) return add(into, intoOffset, from, fromOffset, length)
  const row = factor << 8
  let i = 0
  for (const end = length - 3; i < end; i += 4) {
    const product = multiplyFour(row, from.getInt32(fromOffset + i))
    into.setInt32(intoOffset + i, into.getInt32(intoOffset + i) ^ product)
  }
  for (; i < length; i++) {
    const product = products[row | from.getUint8(fromOffset + i)]!
    into.setUint8(intoOffset + i, into.getUint8(intoOffset + i) ^ product)
  }
}

/** Multiplies `length` bytes in place. */
export const scale = (bytes: DataView, offset: number, length: number, factor: number): void => {
  if (factor === 1) return
  const row = factor << 8
  let i = 0
  for (const end = length - 3; i < end; i += 4) {
    bytes.setInt32(offset + i, multiplyFour(row, bytes.getInt32(offset + i)))
  }
  for (; i < length; i++) bytes.setUint8(offset + i, products[row | bytes.getUint8(offset + i)]!)
}

/** Each of the four bytes of a word, by the factor whose products begin at `row`. */
const multiplyFour = (row: number, word: number): number =>
  (products[row | (word >>> 24)]! << 24) |
  (products[row | ((word >>> 16) & 0xff)]! << 16) |
  (products[row | ((word >>> 8) & 0xff)]! << 8) |
  products[row | (word & 0xff)]!

const add = (into: DataView, intoOffset: number, from: DataView, fromOffset: number, length: number): void => {
  let i = 0
  for (const end = length - 3; i < end; i += 4) {
    into.setInt32(intoOffset + i, into.getInt32(intoOffset + i) ^ from.getInt32(fromOffset + i))
  }
  for (; i < length; i++) {
    into.setUint8(intoOffset + i, into.getUint8(intoOffset + i) ^ from.getUint8(fromOffset + i))
  }
}

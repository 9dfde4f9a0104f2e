import * as Dice from "../Dice.ts"

/**
 * Changes bytes as mistakes and attackers change them: bits turned over, numbers at their bounds, pieces lost, doubled,
 * moved, and taken from something else. Knows no format.
 */

/** Where off-by-one and sign mistakes live. 32 bits; the lower ones of them for shorter numbers. */
export const boundaries: ReadonlyArray<number> = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 129, 253, 254, 255, 256, 257, 511, 512, 1023, 1024, 1025,
  0x7fff, 0x8000, 0x8001, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff
]

/** Changes of one case; most often few, so that what fails is easy to understand. */
const changesMax = 6

type Change = (draw: Dice.Dice, bytes: Uint8Array, others: ReadonlyArray<Uint8Array>) => Uint8Array

/** A place of the bytes, or 0 when there are none. */
const placeIn = (draw: Dice.Dice, bytes: Uint8Array): number => Dice.integer(draw, 0, Math.max(0, bytes.length - 1))

/** The part from `start` to `end`, for a piece of random length. */
const rangeIn = (draw: Dice.Dice, bytes: Uint8Array): readonly [start: number, end: number] => {
  const start = placeIn(draw, bytes)
  // Short pieces are fields, long ones whole parts.
  const lengthMax = Dice.chance(draw, 0.7) ? 8 : bytes.length
  return [start, Math.min(bytes.length, start + Dice.integer(draw, 1, Math.max(1, lengthMax)))]
}

export const concat = (...pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

const replaced = (bytes: Uint8Array, start: number, end: number, by: Uint8Array): Uint8Array =>
  concat(bytes.subarray(0, start), by, bytes.subarray(end))

const writeNumber = (
  bytes: Uint8Array,
  at: number,
  width: number,
  value: number,
  littleEndian: boolean
): Uint8Array => {
  const changed = bytes.slice()
  for (let i = 0; i < width && at + i < changed.length; i++) {
    const shift = 8 * (littleEndian ? i : width - 1 - i)
    changed[at + i] = Math.floor(value / 2 ** shift) & 0xff
  }
  return changed
}

const readNumber = (bytes: Uint8Array, at: number, width: number): number => {
  let value = 0
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}

const numberWidth = (draw: Dice.Dice): number => Dice.pick(draw, [1, 1, 2, 2, 2, 4, 8])

const changes: Readonly<Record<string, Change>> = {
  flipBit: (draw, bytes) => {
    const changed = bytes.slice()
    if (bytes.length > 0) changed[placeIn(draw, bytes)]! ^= 1 << Dice.integer(draw, 0, 7)
    return changed
  },
  setByte: (draw, bytes) => writeNumber(bytes, placeIn(draw, bytes), 1, Dice.integer(draw, 0, 255), false),
  setBoundary: (draw, bytes) =>
    writeNumber(bytes, placeIn(draw, bytes), numberWidth(draw), Dice.pick(draw, boundaries), Dice.chance(draw, 0.3)),
  /** Lengths are relations: a number that says how much there is, or one more or less. */
  setLength: (draw, bytes) => {
    const at = placeIn(draw, bytes)
    const behind = bytes.length - at + Dice.integer(draw, -13, 5)
    return writeNumber(bytes, at, numberWidth(draw), Math.max(0, behind), Dice.chance(draw, 0.3))
  },
  addToNumber: (draw, bytes) => {
    const at = placeIn(draw, bytes)
    const width = Dice.pick(draw, [1, 2, 4])
    const value = readNumber(bytes, at, width) + Dice.integer(draw, -4, 4)
    return writeNumber(bytes, at, width, value < 0 ? value + 2 ** (8 * width) : value, false)
  },
  truncate: (draw, bytes) => bytes.slice(0, placeIn(draw, bytes)),
  extend: (draw, bytes) => {
    const length = Dice.integer(draw, 1, Dice.chance(draw, 0.9) ? 16 : 600)
    return concat(bytes, Dice.chance(draw, 0.5) ? new Uint8Array(length) : Dice.bytes(draw, length))
  },
  remove: (draw, bytes) => {
    const [start, end] = rangeIn(draw, bytes)
    return replaced(bytes, start, end, new Uint8Array(0))
  },
  insert: (draw, bytes) => {
    const at = placeIn(draw, bytes)
    return replaced(bytes, at, at, Dice.bytes(draw, Dice.integer(draw, 1, 8)))
  },
  double: (draw, bytes) => {
    const [start, end] = rangeIn(draw, bytes)
    return replaced(bytes, end, end, bytes.subarray(start, end))
  },
  move: (draw, bytes) => {
    const [start, end] = rangeIn(draw, bytes)
    const without = replaced(bytes, start, end, new Uint8Array(0))
    const at = placeIn(draw, without)
    return replaced(without, at, at, bytes.subarray(start, end))
  },
  fill: (draw, bytes) => {
    const [start, end] = rangeIn(draw, bytes)
    return bytes.slice().fill(Dice.pick(draw, [0, 0xff, 0x80, 0x20]), start, end)
  },
  takeFromOther: (draw, bytes, others) => {
    const other = Dice.pick(draw, others)
    const [start, end] = rangeIn(draw, other)
    const at = placeIn(draw, bytes)
    return replaced(bytes, at, Math.min(bytes.length, at + end - start), other.subarray(start, end))
  },
  splice: (draw, bytes, others) => {
    const other = Dice.pick(draw, others)
    return concat(bytes.subarray(0, placeIn(draw, bytes)), other.subarray(placeIn(draw, other)))
  }
}
const changeNames = Object.keys(changes)

/** The bytes with one to some changes. `others` are what pieces are taken from; there is one at least. */
export const mutate = (draw: Dice.Dice, bytes: Uint8Array, others: ReadonlyArray<Uint8Array>): Uint8Array => {
  let changed = bytes
  do changed = changes[Dice.pick(draw, changeNames)]!(draw, changed, others)
  while (Dice.chance(draw, 1 - 2 / changesMax))
  return changed
}

/** What stands for one letter or one word of a text. */
const mutateWord = (draw: Dice.Dice, words: ReadonlyArray<string>): string => {
  switch (Dice.integer(draw, 0, 3)) {
    case 0:
      return Dice.pick(draw, words)
    case 1:
      return String(Dice.pick(draw, boundaries))
    case 2:
      return String.fromCodePoint(Dice.integer(draw, 0x20, 0x7e))
    default:
      return Dice.pick(draw, [
        "\0",
        "\n",
        "\u{2028}",
        "\ud800",
        "\u{1f600}",
        "\ufeff",
        " ",
        "-",
        "1e400",
        "9".repeat(400)
      ])
  }
}

/** The text with some letters changed, lost, doubled, or replaced by words. `words` belong to its grammar. */
export const mutateText = (draw: Dice.Dice, text: string, words: ReadonlyArray<string>): string => {
  let changed = text
  do {
    const start = Dice.integer(draw, 0, changed.length)
    const end = Math.min(changed.length, start + Dice.integer(draw, 0, Dice.chance(draw, 0.7) ? 2 : changed.length))
    const middle = [() => "", () => mutateWord(draw, words), () => changed.slice(start, end).repeat(2)]
    changed = changed.slice(0, start) + Dice.pick(draw, middle)() + changed.slice(end)
  } while (Dice.chance(draw, 0.5))
  return changed
}

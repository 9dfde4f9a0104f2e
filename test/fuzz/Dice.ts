import { dice } from "../media/LegPair.ts"

/** Even numbers from 0 (included) to 1 (not). One seed makes one sequence. */
export type Dice = () => number

/** The dice of one case: of the same seed, target and number they fall alike, whatever ran before. */
export const ofCase = (seed: number, target: string, number: number): Dice => dice(hash(`${seed}/${target}/${number}`))

/** FNV-1a, 32 bits: neighbouring numbers give seeds that have nothing in common. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}

/** A whole number from `min` to `max`, both included. */
export const integer = (draw: Dice, min: number, max: number): number => min + Math.floor(draw() * (max - min + 1))

export const chance = (draw: Dice, ratio: number): boolean => draw() < ratio

export const pick = <A>(draw: Dice, list: ReadonlyArray<A>): A => list[Math.floor(draw() * list.length)]!

/** One of the names, each as often as its weight says. */
export const pickWeighted = <Name extends string>(draw: Dice, weights: Readonly<Record<Name, number>>): Name => {
  const entries = Object.entries<number>(weights)
  let left = draw() * entries.reduce((sum, [, weight]) => sum + weight, 0)
  const found = entries.find(([, weight]) => (left -= weight) < 0) ?? entries.at(-1)!
  return found[0] as Name
}

export const bytes = (draw: Dice, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => Math.floor(draw() * 256))

/** So many of whatever is made. */
export const many = <A>(count: number, make: (place: number) => A): Array<A> =>
  Array.from({ length: count }, (_, place) => make(place))

/** The list in another order. */
export const shuffled = <A>(draw: Dice, list: ReadonlyArray<A>): Array<A> => {
  const mixed = [...list]
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = integer(draw, 0, last)
    ;[mixed[last], mixed[other]] = [mixed[other]!, mixed[last]!]
  }
  return mixed
}

import type { RelayLeg } from "./RelayLeg.ts"

/**
 * All legs of a relay by the tag it has chosen for them: open addressing with linear probing over random 32-bit keys.
 * Looking up allocates nothing and touches one or two places. A call has one tag on all of its trunks, so several legs
 * may have the same. Owned by the pipeline.
 */
export interface LegTable {
  /** Tag of the leg in this place; 0: the place is free. */
  tags: Uint32Array
  legs: Array<RelayLeg | undefined>
  size: number
}

const placesInitial = 64

export const make = (): LegTable => ({
  tags: new Uint32Array(placesInitial),
  legs: new Array<RelayLeg | undefined>(placesInitial).fill(undefined),
  size: 0
})

export const get = (self: LegTable, tag: number): RelayLeg | undefined => {
  const { tags } = self
  const mask = tags.length - 1
  for (let place = tag & mask; tags[place] !== 0; place = (place + 1) & mask) {
    if (tags[place] === tag) return self.legs[place]
  }
  return undefined
}

/** The next leg with the tag that this one has. */
export const getNext = (self: LegTable, leg: RelayLeg): RelayLeg | undefined => {
  const { tags } = self
  const mask = tags.length - 1
  const tag = leg.receiveTag
  let isBehind = false
  for (let place = tag & mask; tags[place] !== 0; place = (place + 1) & mask) {
    if (tags[place] !== tag) continue
    if (isBehind) return self.legs[place]
    isBehind = self.legs[place] === leg
  }
  return undefined
}

/** Whether a leg may get this tag: it is not 0 and not taken. */
export const isFree = (self: LegTable, tag: number): boolean => tag !== 0 && get(self, tag) === undefined

export const add = (self: LegTable, leg: RelayLeg): void => {
  if (2 * (self.size + 1) > self.tags.length) grow(self)
  put(self, leg)
  self.size++
}

export const remove = (self: LegTable, leg: RelayLeg): void => {
  const { tags } = self
  const mask = tags.length - 1
  let place = leg.receiveTag & mask
  while (tags[place] !== 0 && self.legs[place] !== leg) place = (place + 1) & mask
  if (tags[place] === 0) return
  self.size--
  // What probed past this place moves back, so that no marks of the deleted are needed.
  let hole = place
  for (let at = (hole + 1) & mask; tags[at] !== 0; at = (at + 1) & mask) {
    if (((at - (tags[at]! & mask)) & mask) < ((at - hole) & mask)) continue
    tags[hole] = tags[at]!
    self.legs[hole] = self.legs[at]
    hole = at
  }
  tags[hole] = 0
  self.legs[hole] = undefined
}

export const all = (self: LegTable): ReadonlyArray<RelayLeg> => self.legs.filter((leg) => leg !== undefined)

const put = (self: LegTable, leg: RelayLeg): void => {
  const mask = self.tags.length - 1
  let place = leg.receiveTag & mask
  while (self.tags[place] !== 0) place = (place + 1) & mask
  self.tags[place] = leg.receiveTag
  self.legs[place] = leg
}

const grow = (self: LegTable): void => {
  const legs = all(self)
  self.tags = new Uint32Array(self.tags.length * 2)
  self.legs = new Array<RelayLeg | undefined>(self.tags.length).fill(undefined)
  for (const leg of legs) put(self, leg)
}

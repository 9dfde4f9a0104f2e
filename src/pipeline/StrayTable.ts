import * as PackedAddress from "../sockets/PackedAddress.ts"
import * as BoundedMap from "./BoundedMap.ts"
import * as PrefixLimit from "./PrefixLimit.ts"
import type { Trunk } from "./TrunkTable.ts"

/** A leg that frames come for and that is not here, and what is known of it. */
export interface Stray {
  /** Where they come from. Packed. */
  readonly address: Uint32Array
  readonly legTag: number
  /** In their headers; `undefined`: it was a control message, which has none. 8 bits. */
  readonly epoch: number | undefined
  /** By another relay, which takes this one for the leg's: they are never handed on. */
  readonly isHandedOver: boolean
  /** Datagrams that wait until it is known where they belong. */
  readonly kept: Array<Uint8Array>
  state: StrayState
}

export type StrayState =
  /** The critical state is being asked. */
  | { readonly _tag: "Asked" }
  /** Nobody's, or not to be had now. `isAddress`: whatever tag comes from there. */
  | { readonly _tag: "Refused"; readonly isAddress: boolean; readonly untilMs: number }
  /** Its relay lives: what comes is handed over. */
  | { readonly _tag: "Elsewhere"; readonly trunk: Trunk; readonly untilMs: number }

/**
 * The legs that are not here, by address: what is known of them, and how often it may be asked. Whoever sends random tags
 * or forges addresses makes it ask no more than so often, and grow no further. Owned by the pipeline; reads no clock.
 */
export interface StrayTable {
  readonly byAddress: BoundedMap.BoundedMap<number | string, Stray>
  readonly limit: PrefixLimit.PrefixLimit
  /** Of the whole relay. */
  tokens: number
  filledAtMs: number
}

/** Fruitless questions a second, and at once after a pause. One that finds the leg is not counted. */
export const asksPerSecond = 200
export const asksPerSecondOfPrefix = 50
/** As long as a refusal lasts they are fewer; those that are elsewhere are asked for again when they are forgotten. */
export const straysMax = 4096
/** For one leg: what a device sends while its relay is looked for. */
const keptMax = 16

export const make = (nowMs: number): StrayTable => ({
  byAddress: BoundedMap.make(straysMax),
  limit: PrefixLimit.make(asksPerSecondOfPrefix),
  tokens: asksPerSecond,
  filledAtMs: nowMs
})

/** What is known of the leg with this tag of the address at `index`; `undefined`: nothing, or no longer. */
export const find = (
  self: StrayTable,
  addresses: Uint32Array,
  index: number,
  legTag: number,
  nowMs: number
): Stray | undefined => {
  const stray = BoundedMap.get(self.byAddress, PackedAddress.key(addresses, index))
  if (stray === undefined) return undefined
  const { state } = stray
  if (state._tag !== "Asked" && nowMs >= state.untilMs) return undefined
  const isIt = stray.legTag === legTag || (state._tag === "Refused" && state.isAddress)
  return isIt ? stray : undefined
}

/** To be asked for now; `undefined`: too much is. Of several tags of one address the newest is remembered. */
export const ask = (
  self: StrayTable,
  { address, ...from }: Pick<Stray, "address" | "legTag" | "epoch" | "isHandedOver">,
  nowMs: number
): Stray | undefined => {
  self.tokens = Math.min(asksPerSecond, self.tokens + ((nowMs - self.filledAtMs) * asksPerSecond) / 1000)
  self.filledAtMs = nowMs
  if (self.tokens < 1 || !PrefixLimit.admits(self.limit, address, 0, nowMs)) return undefined
  self.tokens--
  const stray: Stray = { ...from, address, kept: [], state: { _tag: "Asked" } }
  remember(self, stray)
  return stray
}

/** Keeps a datagram as long as it is not known where it belongs. */
export const keep = ({ kept }: Stray, datagram: Uint8Array): void => {
  if (kept.length < keptMax) kept.push(datagram)
}

/** What has come of it. */
export const settle = (self: StrayTable, stray: Stray, state: StrayState): void => {
  stray.state = state
  if (state._tag === "Refused") stray.kept.length = 0
  else giveBack(self, stray)
}

/** It is here now. */
export const forget = (self: StrayTable, stray: Stray): void => {
  const key = PackedAddress.key(stray.address)
  if (BoundedMap.get(self.byAddress, key) === stray) BoundedMap.remove(self.byAddress, key)
  giveBack(self, stray)
}

/** Nobody is to ask for the leg for a while: its device has just gone. */
export const refuse = (self: StrayTable, address: Uint32Array, legTag: number, untilMs: number): void =>
  remember(self, {
    address: address.slice(),
    legTag,
    epoch: undefined,
    isHandedOver: false,
    kept: [],
    state: { _tag: "Refused", isAddress: false, untilMs }
  })

const giveBack = (self: StrayTable, { address }: Stray): void => {
  self.tokens = Math.min(asksPerSecond, self.tokens + 1)
  PrefixLimit.giveBack(self.limit, address)
}

const remember = ({ byAddress }: StrayTable, stray: Stray): void => {
  BoundedMap.set(byAddress, PackedAddress.key(stray.address), stray)
}

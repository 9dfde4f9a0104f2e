import { encode, type RosterDirective, trailerBytes } from "./ControlMessage.ts"
import { datagramBytesMax } from "./MessageKinds.ts"
import { rosterEntry, rosterEntryBytesMax, type RosterEntry } from "./RosterAttribute.ts"
import { attributeBytes, transactionIdBytes } from "./Stun.ts"

/** What a roster directive says; the rest of it says to whom. */
export type RosterPart = Pick<RosterDirective, "page" | "entries">

/** The page count is one byte. */
const pagesMax = 0xff
const noTransactionId = new Uint8Array(transactionIdBytes)
const emptyDirective = encode({
  _tag: "RosterDirective",
  transactionId: noTransactionId,
  legTag: 0,
  counter: 0,
  page: { version: 0, page: 0, pages: 1 },
  entries: []
})
/** Room for the entries of one page, with their headers and padding. */
const entriesBytesMax = datagramBytesMax - trailerBytes - emptyDirective.length

/** A roster of so many participants fits, however long their ids and however many their streams. */
export const participantsMax = pagesMax * Math.floor(entriesBytesMax / attributeBytes(rosterEntryBytesMax))

/**
 * A roster as directives that each fit into a datagram, entries in their order. One page at least: an empty roster is
 * news too. More pages than can be numbered are a mistake of the caller, a defect: see `participantsMax`.
 */
export const paginate = (version: number, roster: ReadonlyArray<RosterEntry>): ReadonlyArray<RosterPart> => {
  const pages: Array<Array<RosterEntry>> = [[]]
  let roomBytes = entriesBytesMax
  for (const entry of roster) {
    const sizeBytes = attributeBytes(rosterEntry.encode(entry, noTransactionId).length)
    if (sizeBytes > roomBytes) {
      pages.push([])
      roomBytes = entriesBytesMax
    }
    pages.at(-1)!.push(entry)
    roomBytes -= sizeBytes
  }
  if (pages.length <= pagesMax) {
    return pages.map((entries, page) => ({ page: { version, page, pages: pages.length }, entries }))
  }
  throw new RangeError(`a roster of ${roster.length} participants is too long: admit at most ${participantsMax}`)
}

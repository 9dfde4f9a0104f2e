import { Result } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as RosterCollector from "../../../src/client/session/RosterCollector.ts"
import * as ControlMessage from "../../../src/protocol/ControlMessage.ts"
import { ParticipantId } from "../../../src/protocol/Ids.ts"
import { datagramBytesMax } from "../../../src/protocol/MessageKinds.ts"
import { type RosterEntry, streamsMax } from "../../../src/protocol/RosterAttribute.ts"
import * as RosterPages from "../../../src/protocol/RosterPages.ts"
import { StreamDescription } from "../../../src/protocol/StreamDescription.ts"
import { participantKey } from "../bytes/Corpus.ts"
import { finish } from "../bytes/StunDraft.ts"
import * as Dice from "../Dice.ts"
import * as Smaller from "../Smaller.ts"
import { define, hold, show } from "../Target.ts"

/** Of one participant: how many streams it has, and how long its names are. */
interface Entry {
  readonly idBytes: number
  readonly streams: number
  readonly codecBytes: number
}

interface Case {
  /** Versions wrap at 32 bits. */
  readonly firstVersion: number
  readonly rosters: ReadonlyArray<ReadonlyArray<Entry>>
  /** The pages of all rosters that arrive, in the order in which they do: by the place in the list of all pages. */
  readonly arrivals: ReadonlyArray<number>
}

const rosterOf = (entries: ReadonlyArray<Entry>, number: number): ReadonlyArray<RosterEntry> =>
  entries.map(({ codecBytes, idBytes, streams }, place) => ({
    participant: ParticipantId.make(`${number}.${place}.`.padEnd(idBytes, "ö").slice(0, Math.max(6, idBytes >> 1))),
    streams: Dice.many(streams, (n) => {
      const ssrc = (number << 16) + (place << 8) + n
      return new StreamDescription({
        ssrc,
        kind: n % 2 ? "video" : "audio",
        clockRate: 90_000,
        codec: "x".repeat(codecBytes)
      })
    })
  }))

/** A page as it comes out of a datagram. */
const received = (part: RosterPages.RosterPart): ControlMessage.RosterDirective => {
  const transactionId = new Uint8Array(12)
  const message: ControlMessage.RosterDirective = {
    _tag: "RosterDirective",
    transactionId,
    legTag: 1,
    counter: 1,
    ...part
  }
  const bytes = finish(ControlMessage.encode(message), "signed", participantKey)
  hold(bytes.length <= datagramBytesMax, "a page fits into a datagram", () => `${bytes.length} bytes`)
  const decoded = Result.getOrThrow(ControlMessage.decode(bytes)).message
  hold(decoded._tag === "RosterDirective", "a page is read as one")
  return decoded
}

const check = ({ arrivals, firstVersion, rosters }: Case): void => {
  const all = rosters.flatMap((entries, number) => {
    const roster = rosterOf(entries, number)
    const pages = RosterPages.paginate((firstVersion + number) >>> 0, roster)
    hold(
      isDeepStrictEqual(
        pages.flatMap(({ entries }) => entries),
        roster
      ),
      "pages have everybody, in order"
    )
    return pages.map((page) => ({ number, roster, page: received(page) }))
  })
  const collector = RosterCollector.make()
  let last = -1
  for (const arrival of arrivals) {
    const { number, page, roster } = all[arrival % all.length]!
    const complete = RosterCollector.handlePage(collector, page)
    if (complete === undefined) continue
    hold(number > last, "no roster comes out after a newer one, or twice", () => show([number, last]))
    hold(isDeepStrictEqual(complete, roster), "a roster comes out as it was written", () => show(complete))
    last = number
  }
  // A relay repeats the newest until it is acknowledged.
  const newest = rosters.length - 1
  for (const { number, page } of all) {
    if (number === newest && RosterCollector.handlePage(collector, page) !== undefined) last = newest
  }
  hold(last === newest, "the newest roster comes out in the end", () => show([last, newest]))
  hold(collector.collecting === undefined, "nothing is kept of what is complete")
}

const drawEntry = (draw: Dice.Dice): Entry => ({
  idBytes: Dice.pick(draw, [6, 20, 64]),
  streams: Dice.pick(draw, [0, 1, 2, streamsMax]),
  codecBytes: Dice.pick(draw, [1, 4, 16])
})

export const target = define<Case>({
  name: "rosters",
  about: "rosters in pages that are lost, doubled and mixed: each comes out whole, none after a newer one",
  smokeCases: 120,
  draw: (draw) => ({
    firstVersion: Dice.pick(draw, [1, 0x7fff_ffff, 0xffff_fffe]),
    rosters: Dice.many(Dice.integer(draw, 1, 4), () =>
      Dice.many(Dice.pick(draw, [0, 1, 3, 12, 50]), () => drawEntry(draw))
    ),
    arrivals: Dice.many(Dice.integer(draw, 0, 60), () => Dice.integer(draw, 0, 999))
  }),
  check,
  *smaller(input) {
    for (const arrivals of Smaller.lists(input.arrivals)) yield { ...input, arrivals }
    for (const rosters of Smaller.lists(input.rosters)) if (rosters.length > 0) yield { ...input, rosters }
    const fewer = (entries: ReadonlyArray<Entry>) => Smaller.lists(entries)
    for (const rosters of Smaller.listsOfSmaller(input.rosters, fewer)) yield { ...input, rosters }
  },
  show: (input) => JSON.stringify(input)
})

import * as CallClass from "../protocol/CallClass.ts"
import type { ParticipantId } from "../protocol/Ids.ts"
import type { QualityExtra } from "../protocol/QualityExtra.ts"
import { sourcesOf, type StreamSource } from "../protocol/StreamSources.ts"
import type { Allocation, AllocationInput, Wish } from "./allocation/AllocationInput.ts"
import * as BandwidthAllocation from "./allocation/BandwidthAllocation.ts"
import type { Participant } from "./CallState.ts"
import * as LayerRates from "./LayerRates.ts"
import * as RateLadder from "./allocation/RateLadder.ts"
import type * as Relief from "./Relief.ts"
import * as Subscription from "./Subscription.ts"

/** Who gets which video at most, and what is to be sent of it. docs/algorithms/bandwidth-allocation.md. */
export interface VideoDecision {
  /** Who may have a stream, by SSRC: of a source's layers that are sent, all up to the one that was chosen for him. */
  readonly viewers: ReadonlyMap<number, ReadonlySet<ParticipantId>>
  /**
   * What is to be sent of each layer of a source, by SSRC, with all headers. A stream without layers follows those who receive
   * it. Bits a second; 0: nothing.
   */
  readonly ratesBps: ReadonlyMap<number, number>
  /** Who would get more if his downlink carried more: worth finding out now and then. */
  readonly wantMore: ReadonlySet<ParticipantId>
}

/** What is known of a call's legs, by their tags. Bits a second; what is not there is not known. */
export interface Capacities {
  readonly uplinksBps: ReadonlyMap<number, number>
  readonly downlinksBps: ReadonlyMap<number, number>
}

/** Of each voice that is heard: Opus at 32 kbit/s in 50 packets a second, with all headers. Bits a second. */
const voiceBps = 60_000
/** And of four at most, see AudibleSpeakers. */
const voicesMax = 4
/** What is decided anew leaves a tenth of a path free. */
const leastFactor = 1.25
/** Who gets nearly all that is of use wants no more. Share. */
const satisfiedFrom = 0.95

/**
 * `undefined`: everybody wants everything, nobody sends layers, and no video is withheld. `withheld`: by relays that are too busy.
 * `before`: what was decided last.
 */
export const of = (
  participants: ReadonlyArray<Participant>,
  subscriptions: ReadonlyMap<number, Subscription.Subscription>,
  capacities: Capacities,
  withheld: Relief.Withheld,
  before: VideoDecision | undefined
): VideoDecision | undefined => {
  const said = participants.map(({ legTag }) => subscriptions.get(legTag) ?? Subscription.unspoken)
  const lacking = participants.map((participant) => lackOf(participant, withheld))
  const sources = participants.flatMap(({ streams }, sender) =>
    sourcesOf(streams.filter(({ kind }) => kind === "video")).map((streams) =>
      offerOf(sender, streams, lacking[sender]!)
    )
  )
  const isLayered = sources.some((source) => source.isLayered)
  const isWithheld = sources.length > 0 && lacking.includes("video")
  if (!isLayered && !isWithheld && said.every(({ wanted }) => wanted === "everything")) return undefined
  const wishes = said.map((subscription, receiver) => wishesOf(sources, subscription, receiver, lacking[receiver]!))
  const viewers = new Map<number, Set<ParticipantId>>()
  for (const { streams } of sources) for (const { ssrc } of streams) viewers.set(ssrc, new Set())
  for (const [receiver, { id }] of participants.entries()) {
    for (const { source } of wishes[receiver]!) {
      const { isLayered, streams } = sources[source]!
      if (!isLayered) viewers.get(streams[0].ssrc)!.add(id)
    }
  }
  const decision = { viewers, ratesBps: new Map<number, number>(), wantMore: new Set<ParticipantId>() }
  if (!isLayered) return decision
  const input = inputOf(participants, sources, wishes, capacities)
  const allocation = BandwidthAllocation.allocate(
    input,
    before && { input, allocation: carryOver(before, participants, sources, wishes) }
  )
  takeOver(decision, allocation, participants, sources, wishes)
  return decision
}

/** What somebody is without, both ways, because his relay is busy. */
type Lack = "video" | "highest layers" | undefined

/** All video is withheld from groups alone. */
const lackOf = ({ callClass, relay }: Participant, withheld: Relief.Withheld): Lack => {
  const has = (extra: QualityExtra): boolean => withheld.get(relay)?.has(extra) === true
  if (has("group-video") && CallClass.isGroup(callClass)) return "video"
  return has("high-layer") ? "highest layers" : undefined
}

/** One camera or screen. */
interface Offer {
  readonly sender: number
  readonly streams: StreamSource
  readonly isLayered: boolean
  readonly ranges: AllocationInput["sources"][number]["layers"]
  /** How many of its layers may be sent, lowest first. */
  readonly sendable: number
}

const offerOf = (sender: number, streams: StreamSource, lack: Lack): Offer => {
  const ranges = LayerRates.rangesOf(streams)
  const sendable = lack === "video" ? 0 : lack === "highest layers" ? countBelowHighest(ranges) : ranges.length
  return { sender, streams, isLayered: streams[0].simulcast !== undefined, ranges, sendable }
}

/** The only layer stays. */
const countBelowHighest = (ranges: Offer["ranges"]): number => Math.max(1, ranges.length - 1)

const wishesOf = (
  sources: ReadonlyArray<Offer>,
  subscription: Subscription.Subscription,
  receiver: number,
  lack: Lack
): ReadonlyArray<Wish> =>
  sources.flatMap(({ ranges, sendable, sender, streams }, source) => {
    if (sender === receiver || sendable === 0 || lack === "video") return []
    // Whichever of its layers is named, it is the source that is wanted.
    const wish = streams.map(({ ssrc }) => Subscription.find(subscription, ssrc)).find((each) => each !== undefined)
    if (wish === undefined) return []
    const layers = lack === "highest layers" ? Math.min(sendable, countBelowHighest(ranges)) : sendable
    const layerMax = layers - 1
    const usefulBps = LayerRates.usefulBps(streams, ranges, wish.heightPx)
    // Nobody wants more than he may have.
    const maxBps = layers < ranges.length ? Math.min(usefulBps, ranges[layerMax]!.maxBps) : usefulBps
    return [{ source, weight: Subscription.weights[wish.place], maxBps, layerMax }]
  })

const inputOf = (
  participants: ReadonlyArray<Participant>,
  sources: ReadonlyArray<Offer>,
  wishes: ReadonlyArray<ReadonlyArray<Wish>>,
  { downlinksBps, uplinksBps }: Capacities
): AllocationInput => {
  const audioBps = voiceBps * Math.min(voicesMax, participants.length - 1)
  return {
    sources: sources.map(({ ranges, sendable, sender }) => ({ sender, layers: ranges.slice(0, sendable) })),
    senders: participants.map(({ legTag }) => ({
      uplinkBps: Math.max(0, (uplinksBps.get(legTag) ?? Infinity) - voiceBps)
    })),
    receivers: participants.map(({ legTag }, receiver) => {
      const downlinkBps = downlinksBps.get(legTag)
      if (downlinkBps !== undefined) {
        const freeBps = Math.max(downlinkBps - audioBps, leastBps(sources, wishes[receiver]!))
        return { downlinkBps: freeBps, wishes: wishes[receiver]! }
      }
      // Before a path has been measured everybody begins with the smallest pictures of what he wants.
      const smallest = wishes[receiver]!.map((wish) => upTo(wish, sources[wish.source]!.ranges[0]!.maxBps))
      return { downlinkBps: Infinity, wishes: smallest }
    })
  }
}

const upTo = (wish: Wish, maxBps: number): Wish => ({ ...wish, maxBps })

/**
 * Room for one smallest picture, however little a path is believed to carry: where nothing flows nothing more would be known of
 * it. If it has no room, its relay pauses it, and tries again. Bits a second.
 */
const leastBps = (sources: ReadonlyArray<Offer>, wishes: ReadonlyArray<Wish>): number => {
  const lowestBps = Math.min(...wishes.map(({ source }) => sources[source]!.ranges[0]!.minBps))
  return lowestBps === Infinity ? 0 : leastFactor * RateLadder.bpsOf(RateLadder.lowestFrom(lowestBps))
}

/** What was decided before, for those who are there now: who was there, and which sources there were, has changed since. */
const carryOver = (
  { ratesBps, viewers }: VideoDecision,
  participants: ReadonlyArray<Participant>,
  sources: ReadonlyArray<Offer>,
  wishes: ReadonlyArray<ReadonlyArray<Wish>>
): Allocation => ({
  layers: sources.map(({ streams }) => streams.map(({ ssrc }) => ratesBps.get(ssrc) ?? 0)),
  choices: participants.map(({ id }, receiver) =>
    wishes[receiver]!.map(({ source }) =>
      sources[source]!.streams.findLastIndex(({ ssrc }) => viewers.get(ssrc)?.has(id) === true)
    )
  )
})

const takeOver = (
  {
    ratesBps,
    viewers,
    wantMore
  }: {
    readonly viewers: Map<number, Set<ParticipantId>>
    readonly ratesBps: Map<number, number>
    readonly wantMore: Set<ParticipantId>
  },
  { choices, layers }: Allocation,
  participants: ReadonlyArray<Participant>,
  sources: ReadonlyArray<Offer>,
  wishes: ReadonlyArray<ReadonlyArray<Wish>>
): void => {
  for (const [source, { isLayered, streams }] of sources.entries()) {
    if (!isLayered) continue
    for (const [layer, { ssrc }] of streams.entries()) ratesBps.set(ssrc, layers[source]![layer] ?? 0)
  }
  for (const [receiver, { id }] of participants.entries()) {
    for (const [at, { maxBps, source }] of wishes[receiver]!.entries()) {
      const { isLayered, ranges, streams } = sources[source]!
      if (!isLayered) continue
      const choice = choices[receiver]![at]!
      const givenBps = choice < 0 ? 0 : layers[source]![choice]!
      if (givenBps < satisfiedFrom * Math.min(maxBps, ranges.at(-1)!.maxBps)) wantMore.add(id)
      for (const { ssrc } of streams.slice(0, choice + 1)) if (ratesBps.get(ssrc) !== 0) viewers.get(ssrc)!.add(id)
    }
  }
}

export const isSame = (a: VideoDecision | undefined, b: VideoDecision | undefined): boolean => {
  if (a === undefined || b === undefined) return a === b
  return (
    isSameMap(a.viewers, b.viewers, isSameSet) &&
    isSameMap(a.ratesBps, b.ratesBps, (one, other) => one === other) &&
    isSameSet(a.wantMore, b.wantMore)
  )
}

const isSameMap = <A>(
  a: ReadonlyMap<number, A>,
  b: ReadonlyMap<number, A>,
  isSameValue: (a: A, b: A) => boolean
): boolean => a.size === b.size && [...a].every(([key, value]) => b.has(key) && isSameValue(value, b.get(key)!))

const isSameSet = <A>(a: ReadonlySet<A>, b: ReadonlySet<A>): boolean =>
  a.size === b.size && [...a].every((value) => b.has(value))

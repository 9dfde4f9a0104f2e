import { Schema } from "effect"
import type { ReceivedStatistics, SentStatistics } from "../CallStatistics.ts"
import type { MediaTrack } from "./MediaTrack.ts"

/** One stream that the participant sent. */
const SentStream = Schema.Struct({
  ssrc: Schema.Int,
  kind: Schema.Literals(["audio", "video"]),
  /** Of a picture that is sent in several sizes: which of them this is. `null`: there is one size, or it is audio. */
  heightPixels: Schema.NullOr(Schema.Int),
  frames: Schema.Int,
  packets: Schema.Int
})

/** One stream of another participant; what he sends in several sizes is one. */
const ReceivedStream = Schema.Struct({
  participant: Schema.String,
  ssrc: Schema.Int,
  kind: Schema.Literals(["audio", "video"]),
  codec: Schema.String,
  frames: Schema.Int,
  /** Each counted once. */
  packets: Schema.Int,
  /** Of them, lost on the way from the relay and brought by a resend. */
  packetsRepaired: Schema.Int,
  /** Given up. */
  packetsMissed: Schema.Int,
  /** Not encrypted with our key, or not as it was sent. */
  packetsUndecryptable: Schema.Int
})

/** What `tandem call --json` prints at its end. */
export const CallSummary = Schema.Struct({
  call: Schema.String,
  participant: Schema.String,
  seconds: Schema.Finite,
  /** Of the last hop; `null` when it was never measured. */
  roundTripMs: Schema.NullOr(Schema.Finite),
  sent: Schema.Array(SentStream),
  received: Schema.Array(ReceivedStream),
  files: Schema.Array(Schema.String)
})
export type CallSummary = typeof CallSummary.Type

/** A row for each track, in their order. `frames`: how many were sent, by SSRC. */
export const sentOf = (
  tracks: ReadonlyArray<MediaTrack>,
  sent: ReadonlyArray<SentStatistics>,
  frames: ReadonlyMap<number, number>
): CallSummary["sent"] =>
  sent.map(({ kind, packets, ssrc }, index) => {
    const { simulcast } = tracks[index]!
    return { ssrc, kind, heightPixels: simulcast?.heightPixels ?? null, packets, frames: frames.get(ssrc) ?? 0 }
  })

/** A row for each stream that was handed out: all layers of a picture together. `frames`: how many came, by SSRC. */
export const receivedOf = (
  received: Iterable<ReceivedStatistics>,
  frames: ReadonlyMap<number, number>
): CallSummary["received"] => {
  const rows = new Map<number, CallSummary["received"][number]>()
  for (const { codec, handedOutSsrc: ssrc, kind, participant, ...counted } of received) {
    const row = rows.get(ssrc)
    rows.set(ssrc, {
      participant,
      ssrc,
      kind,
      codec,
      frames: frames.get(ssrc) ?? 0,
      packets: (row?.packets ?? 0) + counted.packets,
      packetsRepaired: (row?.packetsRepaired ?? 0) + counted.packetsRepaired,
      packetsMissed: (row?.packetsMissed ?? 0) + counted.packetsMissed,
      packetsUndecryptable: (row?.packetsUndecryptable ?? 0) + counted.packetsUndecryptable
    })
  }
  return [...rows.values()]
}

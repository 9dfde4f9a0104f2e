import { Result } from "effect"
import * as CompactRate from "../protocol/CompactRate.ts"
import { participantsMax } from "./CallState.ts"

/** What a relay has measured of one device's leg. Ephemeral: it is found again within seconds. */
export interface LegEstimate {
  /** The relay's, of the leg. */
  readonly legTag: number
  /** What comes from the device, with all headers. Bits a second. */
  readonly uplinkBps: number
  /** What the path to the device is believed to carry. Bits a second; 0: nobody has sent it video. */
  readonly downlinkBps: number
  /** Of the media packets that the device has sent, what did not come at once. 0 to 1. */
  readonly uplinkLossRatio: number
  /** Of the datagrams that the device was sent, what did not arrive, as it reports. 0 to 1. */
  readonly downlinkLossRatio: number
  /** 0: not measured yet. Milliseconds. */
  readonly roundTripMs: number
}

/**
 * In bytes, as they travel between nodes and are kept: one after another, each
 *
 *     | leg tag, 4 | uplink, 2 | downlink, 2 | uplink loss, 1 | downlink loss, 1 | round trip, 2 |
 *
 * Rates are CompactRates, losses parts of 255, the round trip is in milliseconds.
 */
export const entryBytes = 12
/** Of one report: a call has no more legs at one relay, but for those that are about to go. */
export const entriesMax = 2 * participantsMax
const lossParts = 255
const roundTripMsMax = 0xffff

export interface MalformedEstimates {
  readonly _tag: "MalformedEstimates"
}
const malformed: Result.Result<never, MalformedEstimates> = Result.fail({ _tag: "MalformedEstimates" })

/** No more than `entriesMax`: the rest is left out. */
export const encode = (estimates: ReadonlyArray<LegEstimate>): Uint8Array => {
  const count = Math.min(entriesMax, estimates.length)
  const view = new DataView(new ArrayBuffer(count * entryBytes))
  for (let i = 0; i < count; i++) {
    const { downlinkBps, downlinkLossRatio, legTag, roundTripMs, uplinkBps, uplinkLossRatio } = estimates[i]!
    const at = i * entryBytes
    view.setUint32(at, legTag)
    view.setUint16(at + 4, CompactRate.encode(uplinkBps))
    view.setUint16(at + 6, CompactRate.encode(downlinkBps))
    view.setUint8(at + 8, within(lossParts, uplinkLossRatio * lossParts))
    view.setUint8(at + 9, within(lossParts, downlinkLossRatio * lossParts))
    view.setUint16(at + 10, within(roundTripMsMax, roundTripMs))
  }
  return new Uint8Array(view.buffer)
}

export const decode = (bytes: Uint8Array): Result.Result<ReadonlyArray<LegEstimate>, MalformedEstimates> => {
  if (bytes.length % entryBytes !== 0 || bytes.length > entriesMax * entryBytes) return malformed
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const estimates: Array<LegEstimate> = []
  for (let at = 0; at < bytes.length; at += entryBytes) {
    estimates.push({
      legTag: view.getUint32(at),
      uplinkBps: CompactRate.decode(view.getUint16(at + 4)),
      downlinkBps: CompactRate.decode(view.getUint16(at + 6)),
      uplinkLossRatio: view.getUint8(at + 8) / lossParts,
      downlinkLossRatio: view.getUint8(at + 9) / lossParts,
      roundTripMs: view.getUint16(at + 10)
    })
  }
  return Result.succeed(estimates)
}

const within = (max: number, value: number): number => Math.round(Math.min(max, Math.max(0, value)))
